"""The segment condition on benefits that came back."""

from collections.abc import Sequence
from typing import Literal

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from entitlements.memory.models import EntitlementSnapshot
from members.segments.registry import CONDITIONS, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import Span


class BenefitsRestored(Condition):
    """She came back within the last span and got back what she had lost."""

    kind: Literal["memory.restored"]
    within: Span
    label = gettext_lazy("Got benefits back on return")
    group = gettext_lazy("Benefits")
    fields = (Field("within", gettext_lazy("Within the last"), FieldType.DURATION),)

    def _restored(self, context: Context) -> QuerySet[EntitlementSnapshot]:
        return EntitlementSnapshot.objects.filter(
            restored_at__gte=context.at - self.within.length, restored_at__lte=context.at
        )

    def compile(self, context: Context) -> Q:
        return Q(Exists(self._restored(context).filter(member_id=OuterRef("pk"))))

    def sentence(self) -> str:
        return _("came back and got benefits back within the last %(span)s") % {"span": self.within.span_words()}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = self._restored(context).filter(member_id__in=member_ids).order_by("restored_at")
        found = dict(rows.values_list("member_id", "restored_at"))
        return {pk: [Fact(self.label, found.get(pk))] for pk in member_ids}


def register_all() -> None:
    """Called once, when the app is ready."""
    CONDITIONS.register(BenefitsRestored)
