"""Members who may be one person: one statement per reason over everybody, set-based and bounded.

A value that many members share is a shop's phone or a placeholder and says nothing, so groups beyond ``MAX_GROUP`` are
passed over. A pair that is known for a reason costs a look at its row and no write.
"""

from datetime import datetime

from members.merging.querysets.pairs import keep_pairs

MAX_GROUP = 10
MAX_PAIRS = 20_000

# Attributes in which files and programs state what is an identity elsewhere.
ATTRIBUTES = {
    "phone": ("phone", "mobile", "tel", "手机", "手机号"),
    "email": ("email", "mail", "邮箱"),
    "openid": ("openid", "wechat_openid"),
    "unionid": ("unionid", "wechat_unionid"),
}

_DIGITS = r"regexp_replace(normalize({v}, NFKC), '\D', '', 'g')"
_ADDRESS = "lower(btrim(normalize({v}, NFKC)))"
_LOCAL = f"regexp_replace(split_part({_ADDRESS}, '@', 1), '\\+.*$', '')"

# The forms compared, NULL where the text is none. A phone: its digits without 00 and China's 86. An address: in small
# letters without a +tag, and for Google, which does not read them, without the dots of the local part.
_COMPARED = {
    "phone": rf"substring(regexp_replace({_DIGITS}, '^(?:0{{0,2}}86)?(1[3-9]\d{{9}})$|^00', '\1') FROM '^\d{{7,15}}$')",
    "email": (
        f"CASE WHEN {_ADDRESS} ~ '^[^@\\s]+@[^@\\s]+$' THEN "
        f"CASE WHEN split_part({_ADDRESS}, '@', 2) IN ('gmail.com', 'googlemail.com') "
        f"THEN replace({_LOCAL}, '.', '') || '@gmail.com' "
        f"ELSE {_LOCAL} || '@' || split_part({_ADDRESS}, '@', 2) END END"
    ),
    "openid": "nullif(btrim({v}), '')",
    "unionid": "nullif(btrim({v}), '')",
}


def _identities(kind: str) -> str:
    """(member_id, value) of a kind of identity, from identities and from attributes that state one."""
    names = ", ".join(f"'{name}'" for name in ATTRIBUTES[kind])
    said = " UNION ALL ".join(
        (
            f"SELECT i.member_id, i.value FROM members_identity i WHERE i.kind = '{kind}'",
            "SELECT m.id, a.value FROM members_member m CROSS JOIN LATERAL jsonb_each_text(m.attributes) a "
            f"WHERE m.attributes ?| ARRAY[{names}] AND a.key IN ({names})",
        )
    )
    return f"SELECT s.member_id, {_COMPARED[kind].replace('{v}', 's.value')} AS value FROM ({said}) s"


_NAMED = (
    "SELECT id AS member_id, lower(btrim(display_name)) || '|' || {what} AS value FROM members_member WHERE {where}"
)
_SOURCES = {kind: _identities(kind) for kind in _COMPARED} | {
    "name_birthday": _NAMED.format(
        what="birthday_on", where="length(btrim(display_name)) >= 2 AND birthday_on IS NOT NULL"
    ),
    "name_city": _NAMED.format(
        what="lower(btrim(city))", where="length(btrim(display_name)) >= 2 AND city <> '' AND birthday_on IS NULL"
    ),
}

_PAIRS = """
SELECT a.member_id, b.member_id AS other_id, '{reason}' AS reason FROM (
  SELECT array_agg(DISTINCT s.member_id) AS members FROM ({source}) s
  JOIN members_member m ON m.id = s.member_id AND m.merged_into_id IS NULL
  WHERE s.value IS NOT NULL
  GROUP BY s.value HAVING count(DISTINCT s.member_id) BETWEEN 2 AND {max_group}
) g
CROSS JOIN LATERAL unnest(g.members) AS a (member_id)
CROSS JOIN LATERAL unnest(g.members) AS b (member_id)
WHERE a.member_id < b.member_id AND NOT EXISTS (
  SELECT 1 FROM members_duplicatepair p
  WHERE p.member_a_id = a.member_id AND p.member_b_id = b.member_id AND '{reason}' = ANY(p.reasons))
LIMIT {max_pairs}"""

REASONS = tuple(_SOURCES)


def find_pairs(reason: str, *, at: datetime) -> int:
    """Keep the pairs that share what ``reason`` names; returns how many are new or new for this reason."""
    found = _PAIRS.format(reason=reason, source=_SOURCES[reason], max_group=MAX_GROUP, max_pairs=MAX_PAIRS)
    return keep_pairs(found=found, params={"at": at})
