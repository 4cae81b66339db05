"""The condition on other segments a member is in."""

from collections.abc import Sequence
from typing import Annotated, Literal

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field as Limits

from config.engine.naming import name_of
from members.segments.conditions.bases import IS_OR_IS_NOT
from members.segments.models import Segment, SegmentMembership
from members.segments.registry import Choice, Condition, Context, Evidence, Fact, Field, FieldType

BELONGING = gettext_lazy("Tags and segments")
MAX_ID = 2**62


def _segments() -> list[Choice]:
    return [Choice(str(segment.pk), name_of(segment), segment.size) for segment in Segment.objects.live()]


class InSegment(Condition):
    """Is in another segment, or not, as it was last refreshed."""

    kind: Literal["segment.member"]
    op: Literal["is", "is_not"] = "is"
    segment: Annotated[int, Limits(ge=1, le=MAX_ID)]
    label = gettext_lazy("Segment")
    group = BELONGING
    fields = (IS_OR_IS_NOT, Field("segment", gettext_lazy("Segment"), FieldType.SEGMENT, _segments))

    def compile(self, context: Context) -> Q:
        stays = SegmentMembership.objects.current().filter(segment_id=self.segment, member_id=OuterRef("pk"))
        return Q(Exists(stays)) if self.op == "is" else ~Q(Exists(stays))

    def sentence(self) -> str:
        name = name_of(Segment.objects.filter(pk=self.segment).first()) or f"#{self.segment}"
        words = _("is in the segment %(name)s") if self.op == "is" else _("is not in the segment %(name)s")
        return words % {"name": name}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        stays = SegmentMembership.objects.current().filter(segment_id=self.segment, member_id__in=member_ids)
        since = dict(stays.values_list("member_id", "entered_at"))
        return {pk: [Fact(gettext_lazy("In the segment since"), since.get(pk))] for pk in member_ids}

    def faults(self) -> list[tuple[str, str]]:
        if Segment.objects.live().filter(pk=self.segment).exists():
            return []
        return [("segment", _("There is no such segment, or it is archived."))]

    def segment_ids(self) -> frozenset[int]:
        return frozenset({self.segment})


ALL = (InSegment,)
