"""What must hold of benefits at any moment, as one script of named checks. Each returns the rows that offend.

A row is (member, benefit or null, detail). Asked of everything at once; nothing is locked or written.
"""

from dataclasses import dataclass

from django.db import connection

# Of so many offenders each check gives; the number is exact.
SHOWN = 20

_BY_ENGINE = "('term', 'grace', 'tier', 'free')"

# Grants in force when the balance was made, in buckets as the settling engine makes them: of the ladder's one
# allowance, the largest; each other grant its own; and what was carried over. Members who were merged into another
# have nothing of their own any more.
_OPEN = f"""
  SELECT g.member_id, g.benefit_id, g.bucket, g.amount,
    CASE WHEN g.recurs THEN lower(entitlements_period(
      CASE WHEN e.kind = 'access' THEN 'never' ELSE e.period END, e.is_by_calendar,
      coalesce(nullif(l.time_zone, ''), %(zone)s), g.anchor_at, g.settled_at
    )) ELSE g.effective_at END AS opens_at
  FROM (
    SELECT b.member_id, b.benefit_id, b.settled_at,
      CASE WHEN g.source IN {_BY_ENGINE} THEN 0 ELSE g.id END AS bucket,
      CASE WHEN bool_or(g.amount IS NULL) THEN NULL ELSE max(g.amount) END AS amount, bool_or(g.recurs) AS recurs,
      max(g.anchor_at) AS anchor_at, min(g.effective_at) AS effective_at
    FROM entitlements_balance b
    JOIN entitlements_grant g ON g.member_id = b.member_id AND g.benefit_id = b.benefit_id
      AND g.effective_at <= b.settled_at AND (g.expires_at IS NULL OR g.expires_at > b.settled_at)
      AND (g.voided_at IS NULL OR g.voided_at > b.settled_at)
    GROUP BY 1, 2, 3, 4
  ) g
  JOIN entitlements_benefit e ON e.id = g.benefit_id
  JOIN members_memberlifecycle l ON l.member_id = g.member_id
  UNION ALL
  SELECT b.member_id, b.benefit_id, -1, l.amount, l.opens_at
  FROM entitlements_balance b JOIN entitlements_lot l ON l.member_id = b.member_id AND l.benefit_id = b.benefit_id
  WHERE l.bucket = -1 AND l.opens_at <= b.settled_at AND l.closes_at > b.settled_at"""

_SUMMED = f"""
  SELECT o.member_id, o.benefit_id, bool_or(o.bucket >= 0) AS is_open,
    CASE WHEN bool_or(o.amount IS NULL) THEN NULL ELSE sum(o.amount)::bigint END AS granted,
    sum(least(coalesce(l.used, 0), coalesce(o.amount, l.used, 0)))::bigint AS used
  FROM ({_OPEN}) o LEFT JOIN entitlements_lot l USING (member_id, benefit_id, bucket, opens_at)
  GROUP BY 1, 2"""


@dataclass(frozen=True)
class Check:
    """One thing that must hold, and the statement that finds what offends it."""

    code: str
    holds: str
    sql: str


CHECKS = (
    Check(
        "balance_is_grants_less_uses",
        "What a balance says is granted is what its grants and carried lots give, and nothing without a grant is open",
        f"""
SELECT b.member_id, b.benefit_id, format('granted %%s, grants give %%s', b.granted, s.granted) AS detail
FROM entitlements_balance b JOIN members_memberlifecycle USING (member_id)
LEFT JOIN ({_SUMMED}) s USING (member_id, benefit_id)
WHERE b.is_open IS DISTINCT FROM coalesce(s.is_open, false)
  OR b.granted IS DISTINCT FROM CASE WHEN b.is_open THEN s.granted ELSE 0 END""",
    ),
    Check(
        "balance_not_negative",
        "Nobody has used more than was granted; what goes beyond a soft limit is overage",
        """
SELECT b.member_id, b.benefit_id, format('used %%s of %%s, overage %%s', b.used, b.granted, b.overage) AS detail
FROM entitlements_balance b
WHERE b.used > b.granted OR b.used < 0 OR b.overage < 0""",
    ),
    Check(
        "used_is_lots",
        "What of a balance is used lies in the lots of the buckets open then, or was used since",
        f"""
SELECT b.member_id, b.benefit_id, format('used %%s, lots hold %%s', b.used, coalesce(s.used, 0)) AS detail
FROM entitlements_balance b JOIN members_memberlifecycle USING (member_id)
LEFT JOIN ({_SUMMED}) s USING (member_id, benefit_id)
WHERE b.used <> CASE WHEN b.is_open
  THEN least(coalesce(s.used, 0) + b.units - b.laid, coalesce(b.granted, coalesce(s.used, 0) + b.units - b.laid))
  ELSE 0 END""",
    ),
    Check(
        "terms_do_not_overlap",
        "A member has one term at a time",
        """
SELECT a.member_id, NULL::bigint AS benefit_id, format('terms %%s and %%s', a.id, b.id) AS detail
FROM members_membershipterm a
JOIN members_membershipterm b ON b.member_id = a.member_id AND b.id > a.id AND a.period && b.period""",
    ),
    Check(
        "grants_have_a_source_or_an_end",
        "What the ladder gives comes from what the member stands on, and ends with it",
        f"""
SELECT g.member_id, g.benefit_id, format('grant %%s from %%s %%s', g.id, g.source, g.source_id) AS detail
FROM entitlements_grant g
LEFT JOIN entitlements_standing s ON s.member_id = g.member_id
LEFT JOIN members_membershipterm t ON t.id = g.source_id AND t.member_id = g.member_id
WHERE g.source IN {_BY_ENGINE} AND g.voided_at IS NULL
  AND (g.expires_at IS NULL OR s.settled_at IS NULL OR g.expires_at > s.settled_at)
  AND (s.settled_at IS NULL OR g.created_at <= s.settled_at) AND CASE
    WHEN g.source IN ('term', 'grace') THEN t.id IS NULL OR t.closed_at <= s.settled_at OR g.expires_at IS NULL
    ELSE s.via IS DISTINCT FROM g.source END
UNION ALL
SELECT g.member_id, g.benefit_id, format('grant %%s restores nothing kept', g.id)
FROM entitlements_grant g
WHERE g.source = 'restore' AND g.voided_at IS NULL AND g.expires_at IS NULL
  AND NOT EXISTS (SELECT FROM entitlements_entitlementsnapshot p WHERE p.id = g.source_id)""",
    ),
    Check(
        "one_live_grant_a_source",
        "The ladder gives a benefit once from one source",
        f"""
SELECT g.member_id, g.benefit_id, format('%%s grants from %%s %%s', count(*), g.source, g.source_id) AS detail
FROM entitlements_grant g
WHERE g.source IN {_BY_ENGINE} AND g.voided_at IS NULL
GROUP BY g.member_id, g.benefit_id, g.source, g.source_id HAVING count(*) > 1""",
    ),
    Check(
        "lots_within_their_buckets",
        "No lot holds more than its bucket ever gave",
        f"""
SELECT l.member_id, l.benefit_id, format('bucket %%s: %%s of %%s', l.bucket, l.used, q.amount) AS detail
FROM entitlements_lot l
LEFT JOIN LATERAL (
  SELECT CASE WHEN bool_or(g.amount IS NULL) THEN NULL ELSE max(g.amount) END AS amount, count(*) AS grants
  FROM entitlements_grant g
  WHERE g.member_id = l.member_id AND g.benefit_id = l.benefit_id
    AND CASE WHEN l.bucket = 0 THEN g.source IN {_BY_ENGINE} ELSE g.id = l.bucket END
) q ON l.bucket >= 0
WHERE CASE l.bucket WHEN -1 THEN l.used > l.amount WHEN -2 THEN false
  ELSE q.grants = 0 OR l.used > q.amount END""",
    ),
    Check(
        "seats_within_the_plan",
        "Nobody has given more seats than a term of hers ever brought",
        """
SELECT g.member_id, NULL::bigint AS benefit_id, format('%%s seats, %%s brought', g.held, coalesce(b.most, 0)) AS detail
FROM (
  SELECT g.member_id, count(*) AS held FROM entitlements_seat s JOIN entitlements_seatgroup g ON g.id = s.group_id
  WHERE s.ended_at IS NULL GROUP BY 1
) g
LEFT JOIN LATERAL (
  SELECT max(p.seats) AS most FROM members_membershipterm t JOIN entitlements_seatplan p ON p.plan_id = t.plan_id
  WHERE t.member_id = g.member_id AND t.kind <> 'trial'
) b ON true
WHERE g.held > coalesce(b.most, 0)""",
    ),
    Check(
        "lent_cover_ends_with_its_seat",
        "What a seat lent is its holder's, and over when the seat is",
        """
SELECT m.member_id, NULL::bigint AS benefit_id, format('term %%s of seat %%s', m.id, s.id) AS detail
FROM entitlements_seatterm l
JOIN entitlements_seat s ON s.id = l.seat_id
JOIN members_membershipterm m ON coalesce(m.origin_id, m.id) = l.term_id
WHERE m.member_id <> s.member_id OR upper(m.period) > s.ended_at""",
    ),
)


@dataclass(frozen=True)
class Finding:
    """How many rows offend a check, and the first of them as (member, benefit or none, detail)."""

    check: Check
    count: int
    rows: list[tuple[int, int | None, str]]


def offences(zone: str) -> list[Finding]:
    """Every check that finds something. ``zone`` is the project's time zone. One statement each, in one snapshot."""
    found = []
    with connection.cursor() as cursor:
        for check in CHECKS:
            cursor.execute(
                f"SELECT member_id, benefit_id, detail, count(*) OVER () FROM ({check.sql}) o"
                f" ORDER BY 1, 2 LIMIT {SHOWN}",
                {"zone": zone},
            )
            if rows := cursor.fetchall():
                found.append(Finding(check, rows[0][3], [row[:3] for row in rows]))
    return found
