"""Conditions on the tags a member carries, and what members are broken down by them."""

from collections.abc import Sequence
from typing import Literal

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.naming import name_of
from members.segments.conditions.bases import IS_OR_IS_NOT
from members.segments.conditions.belonging import BELONGING
from members.segments.dimensions import DIMENSIONS, Dimension
from members.segments.registry import CONDITIONS, Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import Span
from members.segments.value_tests import Texts, joined
from members.tags.models import MemberTag, Tag


def _tags() -> list[Choice]:
    return [Choice(tag.code, name_of(tag), tag.size) for tag in Tag.objects.offered().order_by("-size", "pk")]


TAGS = Field("values", gettext_lazy("Tags"), FieldType.MULTI_CHOICE, _tags)


class OfTags(Condition):
    """Looks at the tags members carry or carried, of any cause."""

    values: Texts
    group = BELONGING

    def carries(self, context: Context) -> QuerySet[MemberTag]:
        raise NotImplementedError

    def of_member(self, context: Context) -> Q:
        return Q(Exists(self.carries(context).filter(member_id=OuterRef("pk"))))

    def names(self) -> str:
        names = {tag.code: name_of(tag) for tag in Tag.objects.filter(code__in=self.values)}
        return joined(names.get(value, value) for value in self.values)

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found: dict[int, list[Fact]] = {pk: [] for pk in member_ids}
        carries = self.carries(context).filter(member_id__in=member_ids).select_related("tag").order_by("since", "pk")
        for carry in carries:
            found[carry.member_id].append(Fact(name_of(carry.tag), carry.since))
            if carry.until:
                found[carry.member_id].append(Fact(gettext_lazy("Until"), carry.until))
        return found

    def faults(self) -> list[tuple[str, str]]:
        known = set(Tag.objects.filter(code__in=self.values, is_enabled=True).values_list("code", flat=True))
        return [
            ("values", _("There is no tag “%(value)s”, or it is switched off.") % {"value": value})
            for value in self.values
            if value not in known
        ]

    def tag_codes(self) -> frozenset[str]:
        return frozenset(self.values)


class Tagged(OfTags):
    """Carries one of some tags now, or none of them."""

    kind: Literal["tag.carried"]
    op: Literal["is", "is_not"] = "is"
    label = gettext_lazy("Tag")
    fields = (IS_OR_IS_NOT, TAGS)

    def carries(self, context: Context) -> QuerySet[MemberTag]:
        return MemberTag.objects.current().filter(code__in=self.values)

    def compile(self, context: Context) -> Q:
        found = self.of_member(context)
        return found if self.op == "is" else ~found

    def sentence(self) -> str:
        words = _("carries the tag %(tags)s") if self.op == "is" else _("does not carry the tag %(tags)s")
        return words % {"tags": self.names()}


class RecentlyTagged(OfTags):
    """Carried one of some tags at some instant of the last span, be it still there or gone."""

    kind: Literal["tag.within"]
    within: Span
    label = gettext_lazy("Carried a tag lately")
    fields = (TAGS, Field("within", gettext_lazy("Within the last"), FieldType.DURATION))

    def carries(self, context: Context) -> QuerySet[MemberTag]:
        since = context.at - self.within.length
        return MemberTag.objects.overlapping(since, context.at).filter(code__in=self.values)

    def compile(self, context: Context) -> Q:
        return self.of_member(context)

    def sentence(self) -> str:
        words = {"tags": self.names(), "span": self.within.span_words()}
        return _("carried the tag %(tags)s within the last %(span)s") % words


def register_all() -> None:
    """Rules can name tags, and members are broken down by them."""
    CONDITIONS.register_all([Tagged, RecentlyTagged])
    DIMENSIONS.register(
        Dimension(
            "tag",
            gettext_lazy("Tag"),
            lambda at: F("carried__code"),
            lambda: dict(MemberTag.Code.choices),
            lambda at: {"carried": FilteredRelation("tags", condition=Q(tags__until__isnull=True))},
        )
    )
