"""Segment conditions on honours that are worn and on advisers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field as Limits

from config.engine.naming import name_of
from config.staff.models import User
from entitlements.grants.models import Balance
from entitlements.honours.models import AdviserAssignment, Honour, HonourAward, HonourRun
from members.segments.conditions.bases import IS_OR_IS_NOT
from members.segments.console.links import with_value
from members.segments.dimensions import DIMENSIONS, Dimension, Words
from members.segments.registry import CONDITIONS, Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.value_tests import Texts, joined

HONOURS = gettext_lazy("Honours and advisers")
ANY_YEAR = "any"
WAITING = "waiting"


def _honours() -> list[Choice]:
    return [Choice(honour.code, name_of(honour)) for honour in Honour.objects.all()]


def _years() -> list[Choice]:
    years = HonourRun.objects.filter(status=HonourRun.Status.GIVEN).order_by("-year").values_list("year", flat=True)
    found = [Choice(str(year), str(year)) for year in years.distinct()]
    return [Choice(ANY_YEAR, gettext_lazy("any year")), *found]


def _advisers() -> list[Choice]:
    users = User.objects.filter(pk__in=AdviserAssignment.objects.current().order_by().values("adviser_id"))
    return [Choice(user.get_username(), user.shown_name) for user in users]


def entitled() -> Exists:
    """Whether a benefit gives the member an adviser, as her benefits were last settled."""
    return Exists(Balance.objects.showing("adviser").filter(member_id=OuterRef("pk")))


def assigned(*usernames: str) -> Exists:
    """Whether a colleague looks after the member: one of these, or anybody."""
    rows = AdviserAssignment.objects.current().filter(member_id=OuterRef("pk"))
    return Exists(rows.filter(adviser__username__in=usernames) if usernames else rows)


def _adviser_evidence(member_ids: Sequence[int]) -> Evidence:
    rows = AdviserAssignment.objects.current().filter(member_id__in=member_ids).select_related("adviser")
    names = {row.member_id: row.adviser.shown_name for row in rows}
    having = set(
        Balance.objects.showing("adviser").filter(member_id__in=member_ids).values_list("member_id", flat=True)
    )
    return {
        pk: [
            Fact(gettext_lazy("May have an adviser"), pk in having),
            Fact(gettext_lazy("Adviser"), names.get(pk) if pk in having else None),
        ]
        for pk in member_ids
    }


class WearsHonour(Condition):
    """Wears, or does not wear, the title of one of some honours, of one year or any."""

    kind: Literal["honours.wears"]
    op: Literal["is", "is_not"] = "is"
    values: Texts
    year: Annotated[str, Limits(pattern=r"^(any|\d{4})$")] = ANY_YEAR
    label = gettext_lazy("Wears an honour")
    group = HONOURS
    fields = (
        IS_OR_IS_NOT,
        Field("values", gettext_lazy("Honours"), FieldType.MULTI_CHOICE, _honours),
        Field("year", gettext_lazy("Of the year"), FieldType.CHOICE, _years),
    )

    def _worn(self, context: Context) -> QuerySet[HonourAward]:
        rows = HonourAward.objects.worn(context.at).filter(run__honour__code__in=self.values)
        return rows if self.year == ANY_YEAR else rows.filter(run__year=int(self.year))

    def compile(self, context: Context) -> Q:
        found = Q(Exists(self._worn(context).filter(member_id=OuterRef("pk"))))
        return found if self.op == "is" else ~found

    def sentence(self) -> str:
        names = {honour.code: name_of(honour) for honour in Honour.objects.filter(code__in=self.values)}
        words = {"names": joined(names.get(value, value) for value in self.values), "year": self.year}
        if self.year == ANY_YEAR:
            return (_("wears %(names)s") if self.op == "is" else _("does not wear %(names)s")) % words
        return (
            _("wears %(names)s of %(year)s") if self.op == "is" else _("does not wear %(names)s of %(year)s")
        ) % words

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found: dict[int, list[Fact]] = {pk: [] for pk in member_ids}
        rows = self._worn(context).filter(member_id__in=member_ids).select_related("run__honour")
        for row in rows.order_by("run__year", "rank"):
            found[row.member_id].append(
                Fact(f"{name_of(row.run.honour)} · {row.run.year}", _("rank %(rank)s") % {"rank": row.rank})
            )
        return found

    def faults(self) -> list[tuple[str, str]]:
        known = set(Honour.objects.filter(code__in=self.values).values_list("code", flat=True))
        return [
            ("values", _("There is no honour “%(value)s”.") % {"value": value})
            for value in self.values
            if value not in known
        ]


class AdviserIs(Condition):
    """One of some colleagues looks after her, or none of them does."""

    kind: Literal["honours.adviser"]
    op: Literal["is", "is_not"] = "is"
    values: Texts
    label = gettext_lazy("Adviser is")
    group = HONOURS
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Advisers"), FieldType.MULTI_CHOICE, _advisers))

    def compile(self, context: Context) -> Q:
        found = Q(entitled()) & Q(assigned(*self.values))
        return found if self.op == "is" else ~found

    def sentence(self) -> str:
        users = User.objects.filter(username__in=self.values)
        names = {user.get_username(): user.shown_name for user in users}
        words = {"names": joined(names.get(value, value) for value in self.values)}
        return (_("is looked after by %(names)s") if self.op == "is" else _("is not looked after by %(names)s")) % words

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return _adviser_evidence(member_ids)

    def faults(self) -> list[tuple[str, str]]:
        known = set(User.objects.filter(username__in=self.values).values_list("username", flat=True))
        return [
            ("values", _("There is no colleague “%(value)s”.") % {"value": value})
            for value in self.values
            if value not in known
        ]


class _OfAdviser(Condition):
    on: bool
    group = HONOURS

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return _adviser_evidence(member_ids)


class HasAdviser(_OfAdviser):
    """Somebody looks after her, and a benefit gives her that; or not."""

    kind: Literal["honours.has_adviser"]
    label = gettext_lazy("Has an adviser")
    fields = (Field("on", gettext_lazy("Has an adviser"), FieldType.BOOLEAN),)

    def compile(self, context: Context) -> Q:
        found = Q(entitled()) & Q(assigned())
        return found if self.on else ~found

    def sentence(self) -> str:
        return _("has an adviser") if self.on else _("has no adviser")


class WaitsForAdviser(_OfAdviser):
    """A benefit gives her an adviser and nobody looks after her yet; or not so."""

    kind: Literal["honours.adviser_missing"]
    label = gettext_lazy("Waits for an adviser")
    fields = (Field("on", gettext_lazy("Waits"), FieldType.BOOLEAN),)

    def compile(self, context: Context) -> Q:
        found = Q(entitled()) & ~Q(assigned())
        return found if self.on else ~found

    def sentence(self) -> str:
        return _("may have an adviser and waits for one") if self.on else _("does not wait for an adviser")


def members_of(adviser: User) -> str:
    """The list of the members a colleague looks after."""
    return with_value("adviser", str(adviser.pk))


def waiting_for_adviser() -> str:
    """The list of the members who may have an adviser and have none."""
    return with_value("adviser", WAITING)


def _adviser(at: datetime) -> Case:
    """The number of her adviser, ``WAITING``, or nothing."""
    rows = AdviserAssignment.objects.current().filter(member_id=OuterRef("pk")).values("adviser_id")
    own = Coalesce(Cast(Subquery(rows), TextField()), Value(WAITING))
    return Case(When(entitled(), then=own), default=Value(""), output_field=TextField())


def _adviser_words() -> Words:
    names = {str(user.pk): user.shown_name for user in User.objects.all()}
    return {**names, WAITING: gettext_lazy("waits for one")}


def register_all() -> None:
    """Open the segment builder, breakdowns and the members list to honours and advisers."""
    CONDITIONS.register_all([WearsHonour, AdviserIs, HasAdviser, WaitsForAdviser])
    DIMENSIONS.register(Dimension("adviser", gettext_lazy("Adviser"), _adviser, _adviser_words))
