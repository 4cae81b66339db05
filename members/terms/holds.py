"""The grace behind a chain of cover, in the database: ``members.terms.rules.hold_of`` for statements over many members.

A test holds the two equal.
"""

HOLD_FUNCTION = """
CREATE OR REPLACE FUNCTION members_hold(
  of_member bigint, at timestamptz, zone text, policy_days integer, OUT term_id bigint, OUT held_until timestamptz
) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  r record;
  reach timestamptz;
  days integer := 0;
BEGIN
  FOR r IN
    SELECT m.id, m.kind, m.starts_at, e.end_at, coalesce(m.refunded_at, m.voided_at) IS NOT NULL AS is_taken_back,
      coalesce(p.grace_days, t.grace_days, policy_days) AS grace_days
    FROM members_membershipterm m
    LEFT JOIN members_plan p ON p.id = m.plan_id
    LEFT JOIN members_tier t ON t.id = m.tier_id
    CROSS JOIN LATERAL (SELECT least(m.ends_at, m.closed_at, at) AS end_at) e
    WHERE m.member_id = of_member AND m.kind <> 'trial' AND m.starts_at < e.end_at
    ORDER BY m.starts_at, e.end_at
  LOOP
    IF r.is_taken_back THEN
      reach := CASE WHEN r.starts_at <= reach THEN greatest(reach, r.end_at) ELSE reach END;
      CONTINUE;
    END IF;
    IF reach IS NULL OR r.starts_at > greatest(reach, held_until) THEN
      days := 0;
    END IF;
    IF r.kind = 'paid' THEN
      days := r.grace_days;
    END IF;
    term_id := r.id;
    reach := greatest(reach, r.end_at);
    held_until := (r.end_at AT TIME ZONE zone + make_interval(days => days)) AT TIME ZONE zone;
  END LOOP;
END $$
"""
