"""What conditions on one column of a member have in common."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.lookups import In
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.people.models import Member
from members.segments.expressions import complement, member_zone
from members.segments.registry import Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import When
from members.segments.value_tests import NumberTest, joined

MOST_CHOICES = 200

IS_OR_IS_NOT = Field(
    "op",
    gettext_lazy("Comparison"),
    FieldType.CHOICE,
    lambda: [Choice("is", gettext_lazy("is one of")), Choice("is_not", gettext_lazy("is none of"))],
)


def facts_of(member_ids: Sequence[int], label: str | Promise, path: str) -> dict[int, list[Fact]]:
    """The value of one column for each member, as evidence."""
    rows = Member.objects.filter(pk__in=member_ids).values_list("pk", path)
    return {pk: [Fact(label, None if value == "" else value)] for pk, value in rows}


def counted(path: str, **filters: Any) -> list[tuple[Any, int]]:
    """The values of a column with how many members have them, the most frequent first."""
    rows = Member.objects.filter(**filters).values_list(path).annotate(n=Count("pk")).order_by("-n", path)
    return [(value, n) for value, n in rows[:MOST_CHOICES] if value not in (None, "")]


def passing(figures: QuerySet, test: NumberTest) -> QuerySet:
    """Of rows of ``member_id`` and ``figure`` those that pass or, where zero passes, those that do not."""
    passes = test.over(F("figure"))
    return figures.filter(complement(passes) if test.holds_for_zero() else passes)


def by_figure(figures: QuerySet, test: NumberTest, *, one_by_one: bool) -> Q:
    """The members whose figure passes; who has no row has zero.

    Nobody without a row is in any group: when zero passes, those are sought whose figure does not. ``one_by_one`` where
    few members are left to ask of, else all groups are made once.
    """
    wanted = passing(figures, test)
    found = Q(Exists(wanted.filter(member_id=OuterRef("pk")))) if one_by_one else Q(pk__in=wanted.values("member_id"))
    return complement(found) if test.holds_for_zero() else found


class ChoiceCondition(Condition):
    """A column is one of some values, or none of them. ``is_not`` includes members without a value.

    A subclass says which values there can be, and bounds their number.
    """

    op: Literal["is", "is_not"] = "is"
    values: Sequence[str]

    path: ClassVar[str]
    narrows: ClassVar[bool] = True

    def subject(self) -> Combinable:
        return F(self.path)

    def compile(self, context: Context) -> Q:
        found = Q(In(self.subject(), list(self.values)))
        return found if self.op == "is" else complement(found)

    def names(self) -> Iterable[str]:
        """The values as people read them."""
        return self.values

    def sentence(self) -> str:
        test = _("is %(values)s") if self.op == "is" else _("is not %(values)s")
        return _("%(name)s %(test)s") % {"name": self.label, "test": test % {"values": joined(self.names())}}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return facts_of(member_ids, self.label, self.path)


class MomentCondition(Condition):
    """An instant of the member's against now, a local date, or whether it is known.

    Who has no such instant is found by "is not known" alone; where one could think otherwise the sentence says so.
    """

    when: When

    path: ClassVar[str]
    without: ClassVar[str | Promise] = gettext_lazy("not those for whom it is not known")
    narrows: ClassVar[bool] = True
    fields: ClassVar[tuple[Field, ...]] = (Field("when", gettext_lazy("When"), FieldType.WHEN),)

    def subject(self, context: Context) -> Any:
        return F(self.path)

    def compile(self, context: Context) -> Q:
        return self.when.over(self.subject(context), member_zone(), context)

    def sentence(self) -> str:
        return _("%(name)s %(test)s") % {"name": self.label, "test": self.when_words()}

    def when_words(self) -> str:
        """The test read aloud: long ago is said not to include never."""
        words = self.when.sentence()
        if self.when.op not in ("more_than_ago", "before"):
            return words
        return _("%(words)s (%(without)s)") % {"words": words, "without": self.without}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return facts_of(member_ids, self.label, self.path)
