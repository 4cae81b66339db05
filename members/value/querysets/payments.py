"""What counts as money spent, for every statement that adds it up.

Parameters: ``at``, ``money`` (ids of the events that carry money), ``currency``, ``counts_terms``.
"""

# Money in another currency is never added up with the project's.
PAID_EVENTS = """SELECT member_id, occurred_at AS paid_at, value_cents AS cents FROM members_event
  WHERE definition_id = ANY(%(money)s::bigint[]) AND value_cents IS NOT NULL AND occurred_at <= %(at)s
    AND currency IN ('', %(currency)s)"""

# A term is paid when it was booked, or began where it was booked later.
PAID_TERMS = """SELECT member_id, least(starts_at, booked_at) AS paid_at, price_cents AS cents, starts_at,
    least(ends_at, coalesce(closed_at, ends_at)) AS ends_at
  FROM members_membershipterm
  WHERE %(counts_terms)s AND kind = 'paid' AND close_reason NOT IN ('refund', 'void') AND price_cents > 0
    AND currency = %(currency)s AND least(starts_at, booked_at) <= %(at)s"""
