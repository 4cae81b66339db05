"""What the rows of the members list show, in one statement.

Through the ORM it takes five, and building them and the objects they return takes longer than the rest of the page.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

_LISTED = """
SELECT m.id, m.display_name, m.channel, m.city, m.registered_at,
  l.lifecycle_state, l.membership_status, l.expiration_time, l.time_zone, l.last_active_time, l.auto_renewal_flag,
  tier.name AS tier_name, tier.name_zh AS tier_name_zh, plan.name AS plan_name, plan.name_zh AS plan_name_zh,
  known.external_id, known.phone,
  ARRAY(SELECT currency || ' ' || sum(price_cents - refunded_cents) FROM members_membershipterm
    WHERE member_id = m.id AND origin_id IS NULL AND refunded_at IS NULL AND voided_at IS NULL AND price_cents > 0
    GROUP BY currency ORDER BY currency) AS paid_texts,
  ARRAY(SELECT tag.id FROM members_membertag carried JOIN members_tag tag USING (code)
    WHERE carried.member_id = m.id AND carried.until IS NULL ORDER BY tag.id) AS tag_ids
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS wanted (id, place)
JOIN members_member m ON m.id = wanted.id AND m.merged_into_id IS NULL
JOIN members_memberlifecycle l ON l.member_id = m.id
LEFT JOIN members_tier tier ON tier.id = l.tier_id
LEFT JOIN members_membershipterm running ON running.member_id = m.id AND running.period @> %(at)s
LEFT JOIN members_plan plan ON plan.id = running.plan_id
CROSS JOIN LATERAL (
  SELECT max(value) FILTER (WHERE kind = 'external_id') AS external_id,
    max(value) FILTER (WHERE kind = 'phone') AS phone
  FROM members_identity
  WHERE member_id = m.id AND NOT is_former
) known
ORDER BY wanted.place"""


@dataclass(frozen=True)
class Names:
    """What a tier or a plan is called."""

    name: str
    name_zh: str

    @classmethod
    def of(cls, name: str | None, name_zh: str | None) -> "Names | None":
        return None if name is None else cls(name, name_zh or "")


def listed_rows(members: Any, tags: Any, ids: list[int], at: datetime) -> list[Any]:
    """The members with these ids, in that order; ``members`` and ``tags`` are the managers of their models.

    Each has what the statement selects, the names of her ``tier`` and of the ``plan`` she is on at ``at`` (or None),
    what she ``paid`` in minor units by currency, and her ``open_tags`` in order of id.
    """
    rows = list(members.raw(_LISTED, {"ids": ids, "at": at}))
    carried = tags.only("name", "name_zh", "tone").in_bulk({pk for row in rows for pk in row.tag_ids})
    for row in rows:
        row.tier = Names.of(row.tier_name, row.tier_name_zh)
        row.plan = Names.of(row.plan_name, row.plan_name_zh)
        row.paid = {currency: int(cents) for currency, _, cents in (text.rpartition(" ") for text in row.paid_texts)}
        row.open_tags = [carried[pk] for pk in row.tag_ids]
    return rows
