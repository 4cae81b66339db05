"""A use as one statement: the balance is changed under its own columns, the record says what came of it."""

from entitlements.grants.querysets.facts import IS_CURRENT, had_it
from entitlements.grants.querysets.units import number

# What is out of date about a member is settled first, and then it is tried again.
# Late are uses of a usage period that has ended, whose lots are closed, and those of a time when the member did not
# have the benefit: they are kept and not counted.
# What a key did before is not tried again; of two at once with one key, the second fails on its uniqueness.
_CONSUME = (
    """
WITH hit AS (
  UPDATE entitlements_balance b SET
    used = b.used + least(%(amount)s::bigint, coalesce(b.granted - b.used, %(amount)s::bigint)),
    overage = b.overage + %(amount)s::bigint
      - least(%(amount)s::bigint, coalesce(b.granted - b.used, %(amount)s::bigint)),
    units = b.units + %(amount)s::bigint, uses = b.uses + 1,
    first_used_at = least(b.first_used_at, %(used_at)s::timestamptz),
    last_used_at = greatest(b.last_used_at, %(used_at)s::timestamptz)
  FROM entitlements_benefit e, entitlements_standing s
  WHERE b.member_id = {member} AND b.benefit_id = {benefit} AND e.id = b.benefit_id AND s.member_id = b.member_id
    AND """
    + IS_CURRENT
    + """
    AND b.is_open AND (b.valid_until IS NULL OR b.valid_until > %(at)s::timestamptz)
    AND (b.period_start IS NULL OR b.period_start <= %(used_at)s::timestamptz)
    AND """
    + had_it("%(used_at)s::timestamptz")
    + """
    AND (b.granted IS NULL OR NOT e.is_hard_limit OR b.used + %(amount)s::bigint <= b.granted)
    AND (e.public_at IS NULL OR e.public_at - make_interval(hours => b.early_hours) <= %(used_at)s::timestamptz)
    AND NOT EXISTS (SELECT FROM entitlements_usagerecord r WHERE r.idempotency_key = %(key)s::varchar)
  RETURNING b.member_id, b.benefit_id, new.granted, new.used, new.overage, new.uses, old.units AS before,
    new.overage - old.overage AS beyond, e.worth_cents * (new.used - old.used) AS worth
)
INSERT INTO entitlements_usagerecord (
  member_id, benefit_id, at, recorded_at, amount, outcome, origin, overage, worth_cents, idempotency_key,
  granted_after, used_after, overage_after, actor_id, first_unit
)
SELECT h.member_id, h.benefit_id, %(used_at)s::timestamptz, %(at)s::timestamptz, %(amount)s::bigint, 'used',
  %(origin)s::varchar, h.beyond, h.worth, %(key)s::varchar, h.granted, h.used, h.overage, %(actor)s::bigint,
  """
    + number("h.member_id", "h.before")
    + """
FROM hit h
RETURNING id, member_id, benefit_id, granted_after, used_after, overage_after, overage, worth_cents, (
  SELECT EXISTS (
    SELECT FROM entitlements_benefit u
    WHERE u.unlocked_by_id = h.benefit_id AND u.unlocked_after = h.uses AND NOT u.is_archived
  ) FROM hit h
)"""
)
CONSUME = _CONSUME.format(member="%(member)s::bigint", benefit="%(benefit)s::bigint")
# By the names that programs use, as ``BenefitQuerySet.asked_about`` finds them.
CONSUME_NAMED = _CONSUME.format(
    member="(SELECT i.member_id FROM members_identity i "
    "WHERE i.kind = 'external_id' AND i.value = %(external_id)s::varchar)",
    benefit="(SELECT n.id FROM entitlements_benefit n WHERE n.code = %(code)s::varchar AND NOT n.is_archived)",
)

# To the lots that it burned, as far as they are open still; what lies in one that has closed stays used.
GIVE_BACK = """
UPDATE entitlements_lot l SET units = l.units - q.units, used = l.used - entitlements_length(l.units * q.units)
FROM (
  SELECT r.member_id, r.benefit_id, nummultirange(numrange(r.first_unit, r.first_unit + r.amount)) AS units
  FROM entitlements_usagerecord r WHERE r.id = %(record)s AND r.first_unit IS NOT NULL
) q
WHERE l.member_id = q.member_id AND l.benefit_id = q.benefit_id AND l.units && q.units
  AND (l.closes_at IS NULL OR l.closes_at > %(at)s)"""
