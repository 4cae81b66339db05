"""The unbroken cover that ends at an instant, as SQL for statements over many members."""


def unbroken_sql(member: str, end: str) -> str:
    """One row about the cover of ``member`` without a gap up to ``end``, to be joined laterally; no row without any.

    ``paid_order`` is the paid order in it that was bought last and not refunded (the number of its first row, NULL
    without one), wherever it stands in the queue; ``first_order`` what the cover began with. Trials are no part of it.
    """
    # A file may tell of old orders late: they were bought when they began.
    return f"""
  SELECT (array_agg(x.order_id ORDER BY x.bought_at DESC, x.order_id DESC) FILTER (WHERE x.is_paid))[1] AS paid_order,
    (array_agg(x.order_id ORDER BY x.starts_at, x.id))[1] AS first_order
  FROM (
    SELECT y.*, sum((y.next_start > y.end_at)::int) OVER (ORDER BY y.starts_at DESC, y.id DESC) AS breaks
    FROM (
      SELECT t.id, t.starts_at, t.given_until AS end_at, f.id AS order_id, least(f.booked_at, f.starts_at) AS bought_at,
        t.kind = 'paid' AND t.refunded_at IS NULL AS is_paid,
        coalesce(lag(t.starts_at) OVER (ORDER BY t.starts_at DESC, t.id DESC), {end}) AS next_start
      FROM members_membershipterm t
      JOIN members_membershipterm f ON f.id = coalesce(t.origin_id, t.id)
      WHERE t.member_id = {member} AND t.given_until <= {end}
    ) y
  ) x
  WHERE x.breaks = 0
  HAVING count(*) > 0"""
