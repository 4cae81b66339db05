"""What counts as money spent, for every statement that adds it up.

Parameters: ``at``, ``money`` (ids of the events that carry money), ``currency`` in which money is added up, ``unsaid``
(whether that is the project's own, in which amounts are that name none), ``counts_terms``, and for what earns
``takes_back``.
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

# What earns: money by the instant it was paid at, from when it acts and since when it is known. A refund belongs to the
# payment it refunds (of a negative event, what its property ``refund_of`` names by message id or order number; else
# itself); with ``takes_back`` it acts from there on, as if the payment had never been as large.
EARNING_EVENTS = f"""SELECT e.member_id, e.occurred_at AS happened_at, coalesce(e.of_at, e.occurred_at) AS paid_at,
    CASE WHEN %(takes_back)s THEN coalesce(e.of_at, e.occurred_at) ELSE e.occurred_at END AS acts_at,
    greatest(e.received_at, e.occurred_at) AS known_at, e.cents, e.recorded_xid
  FROM (
    SELECT r.member_id, r.occurred_at, r.received_at, r.value_cents AS cents, r.recorded_xid,
      CASE WHEN r.value_cents < 0 AND r.properties ->> 'refund_of' IS NOT NULL THEN (
        SELECT min(o.occurred_at) FROM members_event o
        WHERE o.member_id = r.member_id AND o.value_cents > 0 AND o.occurred_at <= r.occurred_at
          AND r.properties ->> 'refund_of' IN (o.message_id, o.properties ->> 'order_id')
      ) END AS of_at
    FROM members_event r
    WHERE definition_id = ANY(%(money)s::bigint[]) AND value_cents IS NOT NULL AND {_SAME_CURRENCY}
  ) e"""

# What went back of an order in parts has no instant of its own, and counts from the first.
EARNING_TERMS = f"""SELECT t.member_id, t.paid_at, p.acts_at, p.known_at, p.cents, t.changed_xid
  FROM (
    SELECT member_id, least(starts_at, booked_at) AS paid_at, booked_at, refunded_at, voided_at, price_cents,
      CASE WHEN refunded_at IS NULL THEN refunded_cents ELSE 0 END AS part_cents, changed_xid
    FROM members_membershipterm
    WHERE %(counts_terms)s AND kind = 'paid' AND origin_id IS NULL AND price_cents > 0 AND {_SAME_CURRENCY}
  ) t CROSS JOIN LATERAL (
    SELECT t.paid_at AS acts_at, t.booked_at AS known_at, t.price_cents - t.part_cents AS cents
    UNION ALL SELECT CASE WHEN %(takes_back)s THEN t.paid_at ELSE t.refunded_at END, t.refunded_at, -t.price_cents
    WHERE t.refunded_at IS NOT NULL
    UNION ALL SELECT t.paid_at, t.voided_at, -t.price_cents WHERE t.voided_at IS NOT NULL AND t.refunded_at IS NULL
    UNION ALL SELECT t.paid_at, 'infinity', 0 WHERE t.part_cents > 0
  ) p"""

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
