"""Whether what was settled of a member still holds: nothing is due, terms and tier are those it was settled by."""

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


# Of ``s``, a standing, at ``%(at)s``.
IS_CURRENT = (
    "(s.settled_at IS NOT NULL AND (s.next_due_at IS NULL OR s.next_due_at > %(at)s::timestamptz)"
    f" AND s.seen = {seen('s.member_id')})"
)
