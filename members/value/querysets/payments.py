"""What counts as money spent, for every statement that adds it up.

Parameters: ``at``, ``money`` (ids of the events that carry money), ``currency`` in which money is added up, ``unsaid``
(whether that is the project's own, in which amounts are that name none), ``counts_terms``.
"""

# Money in another currency is never added up with this one.
_SAME_CURRENCY = "(currency = %(currency)s OR currency = '' AND %(unsaid)s)"

_PAID_EVENT = """definition_id = ANY(%(money)s::bigint[]) AND value_cents IS NOT NULL AND occurred_at <= %(at)s"""

PAID_EVENTS = f"""SELECT member_id, occurred_at AS paid_at, value_cents AS cents FROM members_event
  WHERE {_PAID_EVENT} AND {_SAME_CURRENCY}"""

_PAID_TERM = """%(counts_terms)s AND kind = 'paid' AND close_reason NOT IN ('refund', 'void') AND price_cents > 0
    AND least(starts_at, booked_at) <= %(at)s"""

# A term is paid when it was booked, or began where it was booked later.
PAID_TERMS = f"""SELECT member_id, least(starts_at, booked_at) AS paid_at, price_cents AS cents, starts_at,
    least(ends_at, coalesce(closed_at, ends_at)) AS ends_at
  FROM members_membershipterm
  WHERE {_PAID_TERM} AND {_SAME_CURRENCY}"""

# How many payments are left out for their currency: events and terms alike.
LEFT_OUT = f"""(SELECT count(*) FROM members_event WHERE {_PAID_EVENT} AND NOT {_SAME_CURRENCY})
  + (SELECT count(*) FROM members_membershipterm WHERE {_PAID_TERM} AND NOT {_SAME_CURRENCY})"""
