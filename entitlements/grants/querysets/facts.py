"""Whether what was settled of a member still holds, and what they had at another moment."""

# The rows that say from where a member's benefits come, as one number. A row changed in place is another row.
_SEEN = """(
  coalesce((
    SELECT bit_xor(hash_record_extended(
      ROW(fact.id, fact.tier_id, fact.starts_at, fact.ends_at, fact.closed_at, fact.changed_xid), 0
    ))
    FROM members_membershipterm fact WHERE fact.member_id = {member}
  ), 0) # coalesce((
    SELECT hash_record_extended(ROW(fact.tier_id, fact.since, fact.until), 0)
    FROM entitlements_tierstanding fact WHERE fact.member_id = {member}
  ), 0)
)"""


def seen(member: str) -> str:
    """SQL of what is to be seen of a member's terms and tier now."""
    return _SEEN.format(member=member)


# Of ``s``, a standing, at ``%(at)s``: nothing is due, and terms and tier are those by which it was settled.
IS_CURRENT = (
    "(s.settled_at IS NOT NULL AND (s.next_due_at IS NULL OR s.next_due_at > %(at)s::timestamptz)"
    f" AND s.seen = {seen('s.member_id')})"
)

OUTDATED = f"""
SELECT m.id FROM unnest(%(members)s::bigint[]) m (id) LEFT JOIN entitlements_standing s ON s.member_id = m.id
WHERE {IS_CURRENT} IS NOT TRUE ORDER BY 1"""


def had_it(used_at: str) -> str:
    """SQL: the member of ``b``, a balance, had its benefit when it was used, which may be before ``%(at)s``."""
    return f"""({used_at} >= %(at)s::timestamptz OR EXISTS (
      SELECT FROM entitlements_grant g
      WHERE g.member_id = b.member_id AND g.benefit_id = b.benefit_id AND g.effective_at <= {used_at}
        AND (g.expires_at IS NULL OR g.expires_at > {used_at}) AND (g.voided_at IS NULL OR g.voided_at > {used_at})
    ))"""
