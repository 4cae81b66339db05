"""What counts as money spent, for every statement that adds it up.

Parameters: ``at``, ``money`` (ids of the events that carry money), ``currency`` in which money is added up, ``unsaid``
(whether that is the project's own, in which amounts are that name none), ``counts_terms``.
"""

# Money in another currency is never added up with this one.
_SAME_CURRENCY = "(currency = %(currency)s OR currency = '' AND %(unsaid)s)"

_PAID_EVENT = """definition_id = ANY(%(money)s::bigint[]) AND value_cents IS NOT NULL AND occurred_at <= %(at)s"""

PAID_EVENTS = f"""SELECT member_id, occurred_at AS paid_at, value_cents AS cents FROM members_event
  WHERE {_PAID_EVENT} AND {_SAME_CURRENCY}"""

_PAID_TERM = """%(counts_terms)s AND kind = 'paid' AND origin_id IS NULL AND refunded_at IS NULL AND voided_at IS NULL
    AND price_cents > 0 AND least(starts_at, booked_at) <= %(at)s"""

# An order is paid when it was booked, or began where it was booked later. Its first row says what was paid.
PAID_TERMS = f"""SELECT id AS order_id, member_id, least(starts_at, booked_at) AS paid_at,
    price_cents - refunded_cents AS cents, starts_at,
    least(ends_at, coalesce(closed_at, ends_at)) AS ends_at, closed_at IS NULL AND booked_seconds IS NULL AS is_whole
  FROM members_membershipterm
  WHERE {_PAID_TERM} AND {_SAME_CURRENCY}"""

# What an order cost lies evenly over its days, wherever in the queue they are. ``paid_terms`` holds PAID_TERMS.
PAID_STRETCHES = """SELECT member_id, cents, starts_at, ends_at FROM paid_terms WHERE is_whole
  UNION ALL
  SELECT member_id, cents * extract(epoch FROM ends_at - starts_at)
    / sum(extract(epoch FROM ends_at - starts_at)) OVER (PARTITION BY order_id), starts_at, ends_at
  FROM (
    SELECT order_id, member_id, cents, starts_at, ends_at FROM paid_terms WHERE NOT is_whole
    UNION ALL
    SELECT p.order_id, p.member_id, p.cents, m.starts_at, least(m.ends_at, coalesce(m.closed_at, m.ends_at))
    FROM paid_terms p JOIN members_membershipterm m ON m.origin_id = p.order_id WHERE NOT p.is_whole
  ) o WHERE ends_at > starts_at"""

# How many payments are left out for their currency: events and terms alike.
LEFT_OUT = f"""(SELECT count(*) FROM members_event WHERE {_PAID_EVENT} AND NOT {_SAME_CURRENCY})
  + (SELECT count(*) FROM members_membershipterm WHERE {_PAID_TERM} AND NOT {_SAME_CURRENCY})"""
