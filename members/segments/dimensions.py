"""What a segment is broken down by and compared with everybody on. A door: higher apps register their own.

A dimension gives each member one value, or several as tags do, as text; an empty text stands for none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    DurationField,
    F,
    FilteredRelation,
    FloatField,
    Func,
    Min,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import GreaterThanOrEqual, IsNull
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.naming import name_of
from config.engine.registry import Registry
from members.lifecycle.lifecycle import MembershipStatus, State
from members.people.models import Member
from members.people.querysets.people import MemberQuerySet
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm

Words = Mapping[str, Any]
# The first month of each stretch since the first term, and what the stretch is called.
STRETCHES = (
    (24, _("24 months and more")), (12, _("12–23 months")), (6, _("6–11 months")), (3, _("3–5 months")),
    (1, _("1–2 months")), (0, _("Less than a month")),
)  # fmt: skip


@dataclass(frozen=True)
class Dimension:
    """``value`` is an expression over ``relations`` of the Member queryset; ``words`` read its values.

    As a column, one value a member, it is offered in the members list, its query form and exports.
    """

    code: str
    label: str | Promise
    value: Callable[[datetime], Combinable]
    words: Callable[[], Words] = dict
    relations: Callable[[datetime], Mapping[str, FilteredRelation]] = lambda at: {}
    is_column: bool = field(default=False, kw_only=True)

    def over(self, members: MemberQuerySet, at: datetime) -> MemberQuerySet:
        """The members, each row with her ``value``."""
        return members.annotate(**self.relations(at)).annotate(value=self.text(at))

    def text(self, at: datetime) -> Coalesce:
        """The value as text, over a queryset that has the relations."""
        return Coalesce(Cast(self.value(at), TextField()), Value(""), output_field=TextField())

    def word(self, value: str) -> str:
        """What one value is called."""
        return str(self.words().get(value, value))

    def having(self, members: MemberQuerySet, value: str, at: datetime) -> MemberQuerySet:
        """The members with this value."""
        return members.filter(pk__in=self.over(Member.objects.all(), at).filter(value=value).values("pk"))


@dataclass(frozen=True)
class Narrowing:
    """Members that a figure counts, named by a value for the members list alone; nothing is broken down by it."""

    code: str
    label: str | Promise
    having: Callable[[MemberQuerySet, str, datetime], MemberQuerySet]
    word: Callable[[str], str]


DIMENSIONS: Registry[Dimension] = Registry("dimensions", code_of=lambda dimension: dimension.code)
NARROWINGS: Registry[Narrowing] = Registry("narrowings", code_of=lambda narrowing: narrowing.code)


def columns() -> list[Dimension]:
    """The dimensions that are offered as a column."""
    return [dimension for dimension in DIMENSIONS if dimension.is_column]


def narrowing_of(code: str) -> Dimension | Narrowing | None:
    """What the members list is narrowed by under this code."""
    return DIMENSIONS.get(code) or NARROWINGS.get(code)


def _column(code: str, label: Any, path: str, words: Callable[[], Words] = dict) -> Dimension:
    return Dimension(code, label, lambda at: F(path), words)


def _named(model: Any) -> Callable[[], Words]:
    return lambda: {str(thing.pk): name_of(thing) for thing in model.objects.all()}


def _months(at: datetime) -> Case:
    own = MembershipTerm.objects.not_voided().filter(member_id=OuterRef("pk"), starts_at__lte=at).order_by()
    first = Subquery(own.values("member_id").annotate(first=Min("starts_at")).values("first"))
    age = Func(Value(at), first, function="age", output_field=DurationField())
    years, months = (
        Func(Value(part), age, function="date_part", output_field=FloatField()) for part in ("year", "month")
    )
    whole = years * Value(12.0) + months
    stretches = [
        When(GreaterThanOrEqual(whole, start), then=Value(str(start), output_field=TextField()))
        for start, _words in STRETCHES
    ]
    return Case(When(IsNull(first, True), then=Value("")), *stretches, default=Value(""), output_field=TextField())


def register_all() -> None:
    """The dimensions of what members know."""
    DIMENSIONS.register_all([
        _column("state", _("Lifecycle state"), "lifecycle__lifecycle_state", lambda: dict(State.choices)),
        _column("tier", _("Tier"), "lifecycle__tier_id", _named(Tier)),
        Dimension(
            "plan", _("Plan"), lambda at: F("current_term__plan_id"), _named(Plan),
            lambda at: {"current_term": FilteredRelation("terms", condition=Q(terms__period__contains=at))},
        ),
        _column(
            "status", _("Membership status"), "lifecycle__membership_status", lambda: dict(MembershipStatus.choices)
        ),
        _column(
            "renewal", _("Auto-renewal"), "lifecycle__auto_renewal_flag", lambda: {"true": _("On"), "false": _("Off")}
        ),
        _column("channel", _("Source channel"), "channel"),
        _column("city", _("City"), "city"),
        _column("gender", _("Gender"), "gender", lambda: dict(Member.Gender.choices)),
        _column("language", _("Language"), "language", lambda: dict(settings.LANGUAGES)),
        Dimension("months", _("Since the first term"), _months, lambda: {str(n): words for n, words in STRETCHES}),
    ])  # fmt: skip
