"""What a tier's cell ``c`` and a plan's addition ``a`` give together of a benefit ``b``, in SQL; either may be missing.

One place says it, for whoever gives it and for whoever tells what another ladder would give.
"""

AMOUNT = """CASE WHEN b.kind = 'access' THEN NULL WHEN c.id IS NULL THEN a.amount WHEN a.id IS NULL THEN c.amount
      ELSE c.amount + a.amount END"""
LEVEL = "entitlements_best_level(b.levels, ARRAY[a.level, c.level])"
EARLY_HOURS = "coalesce(c.early_hours, 0)"
# In the grace; the addition goes along with the cell.
IS_HELD = "coalesce(c.is_held_in_grace, false)"
# Whether the ladder of a lock ``k`` of the renewal of ``o`` is the one that a term ``t`` goes by: the next paid one.
# Time given or added between the two puts the renewal off, and the lock with it.
IS_LOCKED_FOR = """k.released_at IS NULL AND o.refunded_at IS NULL AND o.voided_at IS NULL
      AND o.ends_at <= t.starts_at AND o.plan_id = t.plan_id AND t.kind = 'paid'
      AND NOT EXISTS (
        SELECT FROM members_membershipterm p WHERE p.member_id = t.member_id AND p.kind = 'paid'
          AND NOT isempty(p.period) AND p.starts_at >= o.ends_at AND p.starts_at < t.starts_at)
      AND t.booked_at < k.until + coalesce((
        SELECT sum(upper(c.period) - c.starts_at) FROM members_membershipterm c
        WHERE c.member_id = t.member_id AND c.kind IN ('gift', 'compensation') AND NOT isempty(c.period)
          AND c.starts_at >= o.ends_at AND upper(c.period) <= t.starts_at), interval '0')"""
