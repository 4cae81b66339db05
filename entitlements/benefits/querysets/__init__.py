from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.query import RawQuerySet

# Former identities count too: whoever was merged is found by the number she came with.
_ASKED = """
SELECT e.*, i.member_id AS asked_member, coalesce(m.language, '') AS asked_language
FROM entitlements_benefit e
LEFT JOIN members_identity i ON i.kind = 'external_id' AND i.value = %(external_id)s
LEFT JOIN members_member m ON m.id = i.member_id
WHERE e.code = %(code)s AND NOT e.is_archived"""


class BenefitQuerySet(models.QuerySet):
    def current(self) -> "BenefitQuerySet":
        return self.filter(is_archived=False)

    def coded(self, code: str) -> "BenefitQuerySet":
        """The current benefit of that code, if any."""
        return self.current().filter(code=code.replace("\0", ""))

    def page_after(self, pk: int) -> "BenefitQuerySet":
        """Current benefits in the order of their numbers, those after ``pk``."""
        return self.current().filter(pk__gt=pk).order_by("pk")

    def used_by_events(self) -> "BenefitQuerySet":
        """Current benefits that an event of the catalogue uses up."""
        return self.current().filter(consumed_by__isnull=False)

    def asked_about(self, external_id: str, code: str) -> RawQuerySet:
        """The current benefit of that code with ``asked_member``, None where nobody has that id, and her language."""
        return self.raw(_ASKED, {"external_id": external_id, "code": code})


class LadderQuerySet(models.QuerySet):
    def coming(self) -> "LadderQuerySet":
        """The one version that is being written, looked at or waiting for its day."""
        return self.filter(status__in=["draft", "submitted", "scheduled"])

    def to_activate(self, at: datetime) -> "LadderQuerySet":
        return self.filter(status="scheduled").filter(Q(starts_at__isnull=True) | Q(starts_at__lte=at))
