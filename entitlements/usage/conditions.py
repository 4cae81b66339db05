"""Segment conditions on benefits: used, how much of them is left, unlocked, held in the grace, given by a pack.

What is left and what was reached are as of the last settling, what was used is read from the records.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, NullIf
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.naming import name_of
from entitlements.benefits.models import Benefit, Pack
from entitlements.grants.models import Balance, Grant, Standing
from entitlements.usage.models import UsageRecord
from members.people.querysets.days import last_day
from members.people.rules import end_for_people
from members.segments.expressions import NUMERIC, member_zone
from members.segments.registry import CONDITIONS, Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import Ever, Window
from members.segments.value_tests import NumberTest, Text

BENEFITS = gettext_lazy("Benefits")
NOBODY = -1


def _benefits() -> list[Choice]:
    return [Choice(benefit.code, name_of(benefit)) for benefit in Benefit.objects.current()]


def _unlockable() -> list[Choice]:
    found = Benefit.objects.current().filter(unlocked_by__isnull=False)
    return [Choice(benefit.code, name_of(benefit)) for benefit in found]


def _packs() -> list[Choice]:
    return [Choice(pack.code, name_of(pack)) for pack in Pack.objects.all()]


BENEFIT = Field("benefit", gettext_lazy("Benefit"), FieldType.CHOICE, _benefits)
TEST = Field("test", gettext_lazy("Number"), FieldType.NUMBER_TEST)


class OfBenefit(Condition):
    """Looks at one benefit, named by its code."""

    benefit: Text
    group = BENEFITS

    def benefit_id(self) -> int:
        return Benefit.objects.filter(code=self.benefit).values_list("pk", flat=True).first() or NOBODY

    def benefit_name(self) -> str:
        return name_of(Benefit.objects.filter(code=self.benefit).first()) or self.benefit

    def faults(self) -> list[tuple[str, str]]:
        if Benefit.objects.filter(code=self.benefit).exists():
            return []
        return [("benefit", _("There is no benefit “%(code)s”.") % {"code": self.benefit})]

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        """What the balance of the benefit says."""
        rows = Balance.objects.filter(member_id__in=member_ids, benefit_id=self.benefit_id())
        found = {balance.member_id: balance for balance in rows}
        return {pk: _facts(found.get(pk)) for pk in member_ids}


def _facts(balance: Balance | None) -> list[Fact]:
    if balance is None:
        return [Fact(gettext_lazy("Uses ever"), 0)]
    facts = [Fact(gettext_lazy("Uses ever"), balance.uses), Fact(gettext_lazy("Last used"), balance.last_used_at)]
    if balance.is_open and balance.granted is not None:
        facts += [Fact(gettext_lazy("Used"), balance.used), Fact(gettext_lazy("Granted"), balance.granted)]
    return facts


class BenefitUsed(OfBenefit):
    """Used the benefit at least once in a window, or never; what was taken back was not used."""

    kind: Literal["benefit.used"]
    op: Literal["used", "never"] = "used"
    window: Window = Ever()
    label = gettext_lazy("Used a benefit, or never did")
    fields = (
        BENEFIT,
        Field(
            "op", gettext_lazy("Comparison"), FieldType.CHOICE,
            lambda: [Choice("used", gettext_lazy("used it")), Choice("never", gettext_lazy("never used it"))],
        ),
        Field("window", gettext_lazy("In the time"), FieldType.WINDOW),
    )  # fmt: skip

    def uses(self, context: Context) -> QuerySet[UsageRecord]:
        rows = UsageRecord.objects.filter(
            benefit_id=self.benefit_id(), outcome=UsageRecord.Outcome.USED, at__lte=context.at, reversal__isnull=True
        )
        return self.window.narrow(rows.annotate(occurred_at=F("at")), context).order_by()

    def compile(self, context: Context) -> Q:
        found = Exists(self.uses(context).filter(member_id=OuterRef("pk")))
        return Q(found) if self.op == "used" else ~Q(found)

    def sentence(self) -> str:
        words = _("used “%(benefit)s”, %(window)s") if self.op == "used" else _("never used “%(benefit)s”, %(window)s")
        return words % {"benefit": self.benefit_name(), "window": self.window.sentence()}


class OfBalance(OfBenefit):
    """Looks at the benefit's balance."""

    def balances(self) -> QuerySet[Balance]:
        return Balance.objects.open().filter(benefit_id=self.benefit_id())

    def among(self, balances: QuerySet[Balance]) -> Q:
        return Q(Exists(balances.filter(member_id=OuterRef("pk"))))


class BalanceNumber(OfBalance):
    """A number of the open balance passes a test; who has no limit, or not the benefit, does not."""

    test: NumberTest
    fields: ClassVar[tuple[Field, ...]] = (BENEFIT, TEST)

    def number(self) -> Combinable:
        raise NotImplementedError

    def compile(self, context: Context) -> Q:
        return self.among(self.balances().annotate(number=self.number()).filter(self.test.over(F("number"))))

    def sentence(self) -> str:
        words = {"name": self.label, "benefit": self.benefit_name(), "test": self.test.sentence()}
        return _("%(name)s, “%(benefit)s”: %(test)s") % words


class BenefitRate(BalanceNumber):
    kind: Literal["benefit.rate"]
    label = gettext_lazy("Usage rate of a benefit (%)")

    def number(self) -> Combinable:
        return Cast("used", NUMERIC) * Value(100) / NullIf(Cast("granted", NUMERIC), Value(0, NUMERIC))


class BenefitRemaining(BalanceNumber):
    kind: Literal["benefit.remaining"]
    label = gettext_lazy("Left of a benefit")

    def number(self) -> Combinable:
        return F("granted") - F("used")


class BalanceState(OfBalance):
    """The open balance is in some state, or is not."""

    on: bool

    yes: ClassVar[str | Promise]
    no: ClassVar[str | Promise]

    def state(self) -> QuerySet[Balance]:
        raise NotImplementedError

    def compile(self, context: Context) -> Q:
        found = self.among(self.state())
        return found if self.on else ~found

    def sentence(self) -> str:
        return str(self.yes if self.on else self.no) % {"benefit": self.benefit_name()}


class BenefitAtLimit(BalanceState):
    kind: Literal["benefit.limit"]
    label = gettext_lazy("Reached the limit of a benefit")
    fields = (BENEFIT, Field("on", gettext_lazy("Reached it"), FieldType.BOOLEAN))
    yes = gettext_lazy("reached the limit of “%(benefit)s”")
    no = gettext_lazy("did not reach the limit of “%(benefit)s”")

    def state(self) -> QuerySet[Balance]:
        return Balance.objects.open().at_limit().filter(benefit_id=self.benefit_id())


class HasBenefit(BalanceState):
    kind: Literal["benefit.has"]
    label = gettext_lazy("Has a benefit")
    fields = (BENEFIT, Field("on", gettext_lazy("Has it"), FieldType.BOOLEAN))
    yes = gettext_lazy("has “%(benefit)s”")
    no = gettext_lazy("does not have “%(benefit)s”")

    def state(self) -> QuerySet[Balance]:
        return self.balances()


class BenefitUnlocked(HasBenefit):
    """Has a benefit that only the use of another one opens."""

    kind: Literal["benefit.unlocked"]  # type: ignore[assignment]
    label = gettext_lazy("Unlocked a benefit")
    fields = (
        Field("benefit", gettext_lazy("Benefit"), FieldType.CHOICE, _unlockable),
        Field("on", gettext_lazy("Unlocked it"), FieldType.BOOLEAN),
    )
    yes = gettext_lazy("unlocked “%(benefit)s”")
    no = gettext_lazy("has not unlocked “%(benefit)s”")

    def state(self) -> QuerySet[Balance]:
        return self.balances().filter(benefit__unlocked_by__isnull=False)


class HeldInGrace(Condition):
    """Keeps tier and benefits in the grace after the term ended."""

    kind: Literal["benefit.grace"]
    on: bool
    label = gettext_lazy("Benefits held in the grace")
    group = BENEFITS
    fields = (Field("on", gettext_lazy("Held"), FieldType.BOOLEAN),)

    def compile(self, context: Context) -> Q:
        found = Exists(Standing.objects.filter(via=Standing.Via.GRACE, member_id=OuterRef("pk")))
        return Q(found) if self.on else ~Q(found)

    def sentence(self) -> str:
        return _("keeps her benefits in the grace") if self.on else _("is not in the grace")

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = Standing.objects.filter(pk__in=member_ids).annotate(
            last_on=last_day(F("until"), member_zone("member__"))
        )
        return {
            row.pk: [Fact(gettext_lazy("Benefits come from"), row.get_via_display()),
                     Fact(gettext_lazy("Until"), row.last_on)]
            for row in rows
        }  # fmt: skip


class HasPack(Condition):
    """A pack is in force, or is not."""

    kind: Literal["benefit.pack"]
    pack: Text
    on: bool
    label = gettext_lazy("Has a benefit pack")
    group = BENEFITS
    fields = (
        Field("pack", gettext_lazy("Pack"), FieldType.CHOICE, _packs),
        Field("on", gettext_lazy("Has it"), FieldType.BOOLEAN),
    )

    def grants(self, context: Context) -> QuerySet[Grant]:
        pack_id: Any = Pack.objects.filter(code=self.pack).values_list("pk", flat=True).first() or NOBODY
        return Grant.objects.open(context.at).filter(source=Grant.Source.PACK, source_id=pack_id).order_by()

    def compile(self, context: Context) -> Q:
        found = Exists(self.grants(context).filter(member_id=OuterRef("pk")))
        return Q(found) if self.on else ~Q(found)

    def sentence(self) -> str:
        name = name_of(Pack.objects.filter(code=self.pack).first()) or self.pack
        words = _("has the pack “%(pack)s”") if self.on else _("does not have the pack “%(pack)s”")
        return words % {"pack": name}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found: dict[int, list[Fact]] = {pk: [] for pk in member_ids}
        for grant in self.grants(context).filter(member_id__in=member_ids).annotate(zone=member_zone("member__")):
            end = end_for_people(grant.expires_at, grant.zone) if grant.expires_at else None
            found[grant.member_id] = [Fact(gettext_lazy("Expires"), end)]
        return found

    def faults(self) -> list[tuple[str, str]]:
        if Pack.objects.filter(code=self.pack).exists():
            return []
        return [("pack", _("There is no pack “%(code)s”.") % {"code": self.pack})]


ALL = (
    HasBenefit, BenefitUsed, BenefitRate, BenefitRemaining, BenefitAtLimit, BenefitUnlocked, HeldInGrace, HasPack,
)  # fmt: skip


def register_all() -> None:
    """Open the segment builder to benefits."""
    CONDITIONS.register_all(ALL)
