"""What the pages of terms show before the press: what the operation makes of the member."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import sha256

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.console.formats import number_text
from config.engine.naming import name_of
from config.engine.refusal import Refused
from config.staff.models import User
from members.people.rules import last_day, local_date
from members.plans.models import Plan
from members.terms.consequences import Effect
from members.terms.console.forms.terms import PaymentForm, TermForm
from members.terms.models import MembershipTerm
from members.terms.operations.rehearsing import Facts, Outlook, Stretch

Kind = MembershipTerm.Kind
# What the operation refuses for want of a reason that not every such act needs.
WANTS_REASON = {"reason_missing", "trial_used"}


@dataclass(frozen=True)
class QueueLine:
    """One stretch of the queue: what covers the member, its first and its last day, and what is new about it.

    ``change``: ``new``, ``set_aside`` (it ran and waits now), ``resumes`` (it waited and runs now) or empty.
    ``was_last_on`` is the order's last day before, where that was another.
    """

    what: str
    kind: str
    starts_on: date
    last_on: date
    was_last_on: date | None
    change: str
    runs: bool


@dataclass(frozen=True)
class Payment:
    """What is paid for the plan, in minor units; ``why`` another amount than the plan's price."""

    plan: Plan
    price_cents: int
    paid_cents: int
    currency: str
    why: str


@dataclass(frozen=True)
class Refund:
    """What goes back of an order, in minor units: now, and with what went back before, of what was paid."""

    now_cents: int
    back_cents: int
    paid_cents: int
    currency: str


class TermOutlook:
    """What an operation makes of a member by the fields of its form, or why it would be refused.

    ``is_asked`` is False on a page nobody has sent yet: it can only say what it will show.
    """

    def __init__(self, form: TermForm, *, actor: User, at: datetime, is_asked: bool) -> None:
        self.form, self.at, self.is_asked = form, at, is_asked
        self.zone = form.member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
        self.refusal = ""
        self.outlook: Outlook | None = None
        if is_asked and not self.lacks and not form.faults:
            self._rehearse(actor)

    def _rehearse(self, actor: User) -> None:
        try:
            self.outlook = self.form.rehearse(actor=actor, at=self.at, with_reason=False)
        except Refused as refused:
            self.refusal = self.form.refusal(refused)
            if refused.code in WANTS_REASON:
                self.outlook = self.form.rehearse(actor=actor, at=self.at, with_reason=True)

    @property
    def lacks(self) -> list[str]:
        """What has to be filled in first."""
        return self.form.lacks

    @property
    def refusals(self) -> list[str]:
        """Why it cannot be done as the form stands."""
        return [*self.form.faults, *([self.refusal] if self.refusal else [])]

    @property
    def is_booked_already(self) -> bool:
        """Whether the order number stands for this very order, so that nothing is booked."""
        has_number = bool(self.outlook and self.form.cleaned_data.get("external_ref"))
        return has_number and self.outlook is not None and self.outlook.order is None

    @property
    def may_press(self) -> bool:
        return self.outlook is not None and not self.refusals

    @cached_property
    def mark(self) -> str:
        """Changes with whatever is shown, so that a press can be told from one that saw something else."""
        shown = (self.payment, self.refunds, self.lines, self.gains, self.ends, self.last_on, self.refusals)
        return sha256(repr(shown).encode()).hexdigest()[:32]

    # What is shown

    @property
    def payment(self) -> Payment | None:
        order = self.outlook.order if self.outlook else None
        if order is None or order.plan is None or order.kind not in (Kind.PAID, Kind.GIFT):
            return None
        if not isinstance(self.form, PaymentForm):
            return None
        return Payment(order.plan, order.plan.price_cents, order.price_cents, order.currency, self._why(order))

    def _why(self, order: MembershipTerm) -> str:
        form = self.form
        assert isinstance(form, PaymentForm)
        assert order.plan is not None
        if form.chosen:
            return form.chosen.name
        if order.price_cents == order.plan.price_cents:
            return ""
        return _("typed") if form.cleaned_data.get("price") is not None else _("as agreed with the member")

    @property
    def refunds(self) -> list[Refund]:
        found = self.outlook.refunds if self.outlook else []
        return [Refund(now, row.refunded_cents, row.price_cents, row.currency) for row, now in found]

    @cached_property
    def lines(self) -> list[QueueLine]:
        """What runs and what waits then, in order of time."""
        if self.outlook is None:
            return []
        last = {stretch.order: n for n, stretch in enumerate(self.outlook.after.stretches)}
        return [
            self._line(self.outlook, stretch, is_last=last[stretch.order] == n)
            for n, stretch in enumerate(self.outlook.after.stretches)
        ]

    @property
    def moves_days(self) -> bool:
        """Whether anything runs or waits otherwise than before."""
        return self.outlook is not None and self.outlook.before.stretches != self.outlook.after.stretches

    @property
    def order_days(self) -> tuple[date, date] | None:
        """The first and the last day of the order that is booked."""
        own = [line for line in self.lines if line.change == "new"]
        return (own[0].starts_on, own[-1].last_on) if own else None

    @property
    def last_on(self) -> tuple[date | None, date | None]:
        """The last day of the membership before and then, as the member's page says it."""
        if self.outlook is None:
            return None, None
        return self._last_on(self.outlook.before), self._last_on(self.outlook.after)

    @property
    def states(self) -> tuple[str | None, str | None]:
        """The lifecycle state before and then."""
        if self.outlook is None:
            return None, None
        return self.outlook.before.life.lifecycle_state, self.outlook.after.life.lifecycle_state

    @cached_property
    def gains(self) -> list[Effect]:
        """What comes, or comes back."""
        return [effect for effect in self._effects if effect.is_gain]

    @cached_property
    def ends(self) -> list[Effect]:
        """What ends, is used up or cancelled."""
        return [effect for effect in self._effects if not effect.is_gain]

    @cached_property
    def _effects(self) -> list[Effect]:
        return [*self._own_effects(self.outlook), *self.outlook.effects] if self.outlook else []

    def _own_effects(self, outlook: Outlook) -> Iterator[Effect]:
        handed = outlook.handed_seconds
        for stretch in outlook.ended:
            if stretch.kind == Kind.TRIAL and handed:
                yield Effect(_("The trial ends now, and what was left of it is added"), True, (_days_text(handed),))
                continue
            text = _("Ends now; its last day was %(day)s")
            yield Effect(text % {"day": last_day(stretch.ends_at, self.zone)}, False, (_name(stretch),))
        before, after = outlook.before.life.auto_renewal_flag, outlook.after.life.auto_renewal_flag
        if before != after:
            yield Effect(_("Auto-renewal goes on") if after else _("Auto-renewal goes off"), after)

    def _line(self, outlook: Outlook, stretch: Stretch, *, is_last: bool) -> QueueLine:
        last_on = last_day(stretch.ends_at, self.zone)
        ended_before = outlook.before.ends_at(stretch.order)
        was = last_day(ended_before, self.zone) if ended_before and is_last else None
        return QueueLine(
            what=_name(stretch),
            kind=str(Kind(stretch.kind).label),
            starts_on=local_date(stretch.starts_at, self.zone),
            last_on=last_on,
            was_last_on=was if was != last_on else None,
            change=self._change(outlook, stretch),
            runs=stretch.starts_at <= self.at,
        )

    def _change(self, outlook: Outlook, stretch: Stretch) -> str:
        before, runs = outlook.before.running, stretch.starts_at <= self.at
        if stretch.order not in outlook.before.firsts:
            return "new"
        if runs and (before is None or before.order != stretch.order):
            return "resumes"
        return "set_aside" if not runs and before and before.order == stretch.order else ""

    def _last_on(self, facts: Facts) -> date | None:
        ends_at = facts.life.expiration_time
        return last_day(ends_at, self.zone) if ends_at and ends_at > self.at else None


def _name(stretch: Stretch) -> str:
    return name_of(stretch.plan) or name_of(stretch.tier)


def _days_text(seconds: int) -> str:
    days = seconds / timedelta(days=1).total_seconds()
    return ngettext("%(n)s day", "%(n)s days", 1 if days == 1 else 2) % {"n": number_text(days, digits=1)}
