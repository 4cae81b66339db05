"""Conditions on tier, plan and terms."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field as Limits

from config.engine.naming import name_of
from members.lifecycle.lifecycle import MembershipStatus
from members.lifecycle.models import MemberLifecycle
from members.people.models import Member
from members.people.querysets.days import instant_before, last_day
from members.plans.models import Plan, Tier
from members.segments.conditions.bases import (
    IS_OR_IS_NOT,
    ChoiceCondition,
    MomentCondition,
    by_figure,
    counted,
    facts_of,
    passing,
)
from members.segments.expressions import complement, member_zone
from members.segments.registry import Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import OnDate
from members.segments.value_tests import NumberTest, Texts
from members.terms.models import MembershipTerm

MEMBERSHIP = gettext_lazy("Membership")


def _tiers() -> list[Choice]:
    counts = dict(counted("lifecycle__tier__code"))
    return [Choice(tier.code, name_of(tier), counts.get(tier.code, 0)) for tier in Tier.objects.all()]


def _plans() -> list[Choice]:
    return [Choice(plan.code, name_of(plan)) for plan in Plan.objects.all()]


def _unknown(values: Iterable[str], model: Any) -> list[str]:
    known = set(model.objects.filter(code__in=values).values_list("code", flat=True))
    return [value for value in values if value not in known]


def _names(values: Sequence[str], model: Any) -> list[str]:
    names = {thing.code: name_of(thing) for thing in model.objects.filter(code__in=values)}
    return [names.get(value, value) for value in values]


def _missing(values: Iterable[str]) -> list[tuple[str, str]]:
    return [("values", _("There is no “%(value)s”.") % {"value": value}) for value in values]


class InTier(ChoiceCondition):
    kind: Literal["membership.tier"]
    values: Texts
    label = gettext_lazy("Tier")
    group = MEMBERSHIP
    path = "lifecycle__tier__code"
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Tiers"), FieldType.MULTI_CHOICE, _tiers))

    def compile(self, context: Context) -> Q:
        # By key: the state row's tier is compared without reading the tiers for each member.
        ids = list(Tier.objects.filter(code__in=self.values).values_list("pk", flat=True))
        found = Q(lifecycle__tier_id__in=ids)
        return found if self.op == "is" else complement(found)

    def names(self) -> list[str]:
        return _names(self.values, Tier)

    def faults(self) -> list[tuple[str, str]]:
        return _missing(_unknown(self.values, Tier))


def _statuses() -> list[Choice]:
    counts = dict(counted("lifecycle__membership_status"))
    return [Choice(status.value, status.label, counts.get(status.value, 0)) for status in MembershipStatus]


class InStatus(ChoiceCondition):
    kind: Literal["membership.status"]
    values: Annotated[list[MembershipStatus], Limits(min_length=1, max_length=len(MembershipStatus))]
    label = gettext_lazy("Membership status")
    group = MEMBERSHIP
    path = "lifecycle__membership_status"
    narrows = False
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Statuses"), FieldType.MULTI_CHOICE, _statuses))

    def names(self) -> list[str]:
        return [str(MembershipStatus(value).label) for value in self.values]

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found = facts_of(member_ids, self.label, self.path)
        return {
            pk: [Fact(f.label, f.value and MembershipStatus(f.value).label) for f in facts]
            for pk, facts in found.items()
        }


class OnPlan(Condition):
    """The term that gives cover now comes from one of some plans. ``is_not`` includes members without cover."""

    kind: Literal["membership.plan"]
    op: Literal["is", "is_not"] = "is"
    values: Texts
    label = gettext_lazy("Plan")
    group = MEMBERSHIP
    narrows = True
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Plans"), FieldType.MULTI_CHOICE, _plans))

    def compile(self, context: Context) -> Q:
        terms = MembershipTerm.objects.covering(context.at).filter(member_id=OuterRef("pk"), plan__code__in=self.values)
        return Q(Exists(terms)) if self.op == "is" else ~Q(Exists(terms))

    def sentence(self) -> str:
        test = _("is %(values)s") if self.op == "is" else _("is not %(values)s")
        values = _(" or ").join(_names(self.values, Plan))
        return _("%(name)s %(test)s") % {"name": self.label, "test": test % {"values": values}}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        terms = MembershipTerm.objects.covering(context.at).filter(member_id__in=member_ids).select_related("plan")
        found = {term.member_id: [Fact(self.label, name_of(term.plan) or None)] for term in terms}
        return {pk: found.get(pk, [Fact(self.label, None)]) for pk in member_ids}

    def faults(self) -> list[tuple[str, str]]:
        return _missing(_unknown(self.values, Plan))


class AutoRenewal(Condition):
    kind: Literal["membership.auto_renewal"]
    on: bool
    label = gettext_lazy("Auto-renewal")
    group = MEMBERSHIP
    fields = (Field("on", gettext_lazy("Switched on"), FieldType.BOOLEAN),)

    def compile(self, context: Context) -> Q:
        return Q(lifecycle__auto_renewal_flag=self.on)

    def sentence(self) -> str:
        return _("auto-renewal is on") if self.on else _("auto-renewal is off")

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = MemberLifecycle.objects.filter(pk__in=member_ids).values_list("pk", "auto_renewal_flag")
        return {pk: [Fact(self.label, _("On") if on else _("Off"))] for pk, on in rows}


class Expires(MomentCondition):
    """When cover ends or ended: minutes, hours or days to or since expiry, or its last day, a local date."""

    kind: Literal["membership.expires"]
    label = gettext_lazy("Expires")
    group = MEMBERSHIP
    path = "lifecycle__expiration_time"

    def subject(self, context: Context) -> Any:
        # A date asks for the last day: that of the instant before the end.
        return instant_before(F(self.path)) if isinstance(self.when, OnDate) else F(self.path)

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        days = Member.objects.filter(pk__in=member_ids).annotate(last_on=last_day(F(self.path), member_zone()))
        return {pk: [Fact(gettext_lazy("Last day"), day)] for pk, day in days.values_list("pk", "last_on")}


def _renewals(at: datetime) -> QuerySet[MembershipTerm]:
    """Terms begun by ``at`` that continued cover given by anything but a trial, and were not taken back."""
    begun = MembershipTerm.objects.orders().unrefunded().paid().filter(starts_at__lte=at)
    former = MembershipTerm.objects.filter(member_id=OuterRef("member_id"), given_until=OuterRef("starts_at"))
    return begun.filter(Exists(former)).order_by()


class Renewals(Condition):
    """How often the membership was renewed without a gap: paid terms that started where another ended."""

    kind: Literal["membership.renewals"]
    test: NumberTest
    label = gettext_lazy("Renewals so far")
    group = MEMBERSHIP
    fields = (Field("test", gettext_lazy("Number"), FieldType.NUMBER_TEST),)

    def compile(self, context: Context) -> Q:
        return by_figure(self._figures(context), self.test, one_by_one=context.is_narrowed)

    def member_ids(self, context: Context) -> QuerySet | None:
        return None if self.test.holds_for_zero() else passing(self._figures(context), self.test).values("member_id")

    def _figures(self, context: Context) -> QuerySet:
        # Rows, not keys: an index alone tells them.
        return _renewals(context.at).values("member_id").annotate(figure=Count("*"))

    def sentence(self) -> str:
        return _("renewed %(test)s times") % {"test": self.test.sentence()}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = _renewals(context.at).filter(member_id__in=member_ids).values_list("member_id").annotate(n=Count("pk"))
        found = dict(rows)
        return {pk: [Fact(self.label, found.get(pk, 0))] for pk in member_ids}


def _begun(at: datetime) -> QuerySet[MembershipTerm]:
    return MembershipTerm.objects.not_voided().filter(starts_at__lte=at).order_by()


class FirstTerm(MomentCondition):
    """When the first term began: a trial, a purchase, a gift or a compensation, unless voided."""

    kind: Literal["membership.first_term"]
    label = gettext_lazy("First term began")
    group = MEMBERSHIP
    narrows = False

    def compile(self, context: Context) -> Q:
        if self.when.op in ("known", "unknown"):
            found = Q(Exists(_begun(context.at).filter(member_id=OuterRef("pk"))))
            return found if self.when.op == "known" else complement(found)
        # Where few members are left each is looked up, else all first terms are found in one pass.
        return super().compile(context) if context.is_narrowed else Q(pk__in=self._passing(context))

    def member_ids(self, context: Context) -> QuerySet | None:
        return None if self.when.op in ("known", "unknown") else self._passing(context)

    def _passing(self, context: Context) -> QuerySet:
        firsts = _begun(context.at).values("member_id").annotate(first=Min("starts_at"))
        # One zone a member, read only by a local date.
        passes = self.when.over(F("first"), Min(member_zone("member__")), context)
        return firsts.filter(passes).values("member_id")

    def subject(self, context: Context) -> Any:
        own = _begun(context.at).filter(member_id=OuterRef("pk")).values("member_id")
        return Subquery(own.annotate(first=Min("starts_at")).values("first"))

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = _begun(context.at).filter(member_id__in=member_ids).values_list("member_id")
        found = dict(rows.annotate(first=Min("starts_at")))
        return {pk: [Fact(self.label, found.get(pk))] for pk in member_ids}


ALL = (InTier, InStatus, OnPlan, AutoRenewal, Expires, Renewals, FirstTerm)
