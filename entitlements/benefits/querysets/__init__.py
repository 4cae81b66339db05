from typing import Any

from django.db import models

from config.engine.prepared import execute_alone

# Former identities count too: whoever was merged is found by the number she came with.
_ASKED = """
SELECT i.member_id, coalesce(m.language, ''), {columns}
FROM entitlements_benefit e
LEFT JOIN members_identity i ON i.kind = 'external_id' AND i.value = %(external_id)s::varchar
LEFT JOIN members_member m ON m.id = i.member_id
WHERE e.code = %(code)s::varchar AND NOT e.is_archived"""


class BenefitQuerySet(models.QuerySet):
    def current(self) -> "BenefitQuerySet":
        return self.filter(is_archived=False)

    def page_after(self, pk: int) -> "BenefitQuerySet":
        """Current benefits in the order of their numbers, those after ``pk``."""
        return self.current().filter(pk__gt=pk).order_by("pk")

    def used_by_events(self) -> "BenefitQuerySet":
        """Current benefits that an event of the catalogue uses up."""
        return self.current().filter(consumed_by__isnull=False)

    def asked_about(self, external_id: str, code: str) -> tuple[Any, int | None, str]:
        """The current benefit of that code, the number of the member of that id, and her language; None where none."""
        fields = self.model._meta.concrete_fields
        columns = ", ".join(f'e."{field.column}"' for field in fields)
        rows = execute_alone(_ASKED.format(columns=columns), {"external_id": external_id, "code": code})
        if not rows:
            return None, None, ""
        member_id, language, *values = rows[0]
        return self.model.from_db(self.db, [field.attname for field in fields], values), member_id, language

    def carrying_over(self) -> "BenefitQuerySet":
        """Benefits of which something left is there in the next usage period."""
        return self.filter(rollover_max__gt=0)

    def going_on(self) -> "BenefitQuerySet":
        """Benefits whose use goes on beyond the limit and counts as overage."""
        return self.filter(is_hard_limit=False)
