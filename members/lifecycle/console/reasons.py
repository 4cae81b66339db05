"""Why a member is in her state, in words: the rule, each fact with the threshold it met, and what happens next.

Reads what ``sweep.explain`` found; decides nothing itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from members.lifecycle.lifecycle import Rule, State
from members.lifecycle.models import LifecyclePolicy
from members.lifecycle.querysets.lifecycle import Explanation
from members.people.rules import local_date
from members.terms.models import MembershipTerm


@dataclass(frozen=True)
class Check:
    """One line of the reasoning: it holds, or (None) it belongs to another state and is not met."""

    ok: bool | None  # the component draws False as a failure, which no fact is
    label: str
    note: str = ""


@dataclass(frozen=True)
class Step:
    """What happens on a date if nothing changes: a state, or something said in words."""

    on: date
    state: str = ""
    words: str = ""


@dataclass(frozen=True)
class Reasons:
    rule: str
    checks: list[Check]
    next: list[Step]
    is_anomaly: bool
    next_look_at: datetime | None


def reasons_for(found: Explanation, policy: LifecyclePolicy, last: MembershipTerm | None, time_zone: str) -> Reasons:
    """The reasoning behind ``found`` under the thresholds of ``policy``; ``last`` is the last term that has begun.

    ``time_zone`` is the member's own, '' for the project's.
    """
    facts = {key: _dated(key, value) for key, value in found.facts.items()}
    # The day on which it is over: that behind the last one, unless it ends within a day.
    facts["over_on"] = local_date(last.effective_ends_at, time_zone or settings.PROJECT_TIME_ZONE) if last else None
    facts["grace_days"] = last.grace_days(policy.grace_days) if last else policy.grace_days
    return Reasons(
        rule=str(Rule(found.rule).label),
        checks=[check for build in CHECKS_OF[found.rule] if (check := build(facts, policy))],
        next=list(_what_follows(found, facts, policy)),
        is_anomaly=found.target != found.state and found.move is None,
        next_look_at=found.next_look_at,
    )


def _dated(key: str, value: Any) -> Any:
    return date.fromisoformat(value) if key.endswith("_on") or key == "quiet_since" else value


Facts = dict[str, Any]


def _cover(facts: Facts, policy: LifecyclePolicy) -> Check:
    if "kind" not in facts:
        return Check(None, _("No term is running"))
    kind = MembershipTerm.Kind(facts["kind"]).label
    return Check(
        True, _("A term is running: %(kind)s") % {"kind": kind}, _("until %(day)s") % {"day": facts["ends_on"]}
    )


def _window(facts: Facts, policy: LifecyclePolicy) -> Check:
    values = {"left": facts["days_left"], "window": facts["window_days"]}
    met = facts["days_left"] <= facts["window_days"]
    label = (
        _("%(left)s days left, the rule asks for at most %(window)s")
        if met
        else _("Not expiring: %(left)s days left, the reminder window is %(window)s days")
    )
    note = _("the smaller of %(days)s days and %(part)s%% of the term") % {
        "days": policy.expiring_window_days,
        "part": round(policy.expiring_fraction * 100),
    }
    return Check(met or None, label % values, note)


def _will_not_renew(facts: Facts, policy: LifecyclePolicy) -> Check:
    if facts.get("later_term"):
        return Check(None, _("A later term is booked"))
    if facts.get("auto_renewal"):
        return Check(None, _("Auto-renewal is on"))
    return Check(True, _("No later term, auto-renewal is off"))


def _silence(facts: Facts, policy: LifecyclePolicy) -> Check:
    since = facts.get("quiet_since")
    if since is None:
        return Check(None, _("Silence is not judged"), _("no activity source is connected"))
    quiet_days = (facts["ends_on"] - timedelta(days=facts["days_left"]) - since).days
    values = {"day": since, "quiet": quiet_days, "days": policy.silent_days}
    note = _("silent from %(days)s days") % values
    if quiet_days >= policy.silent_days:
        return Check(True, _("Silent for %(quiet)s days, since %(day)s") % values, note)
    return Check(None, _("Not silent: quiet for %(quiet)s days") % values, note)


def _tenure(facts: Facts, policy: LifecyclePolicy) -> Check | None:
    days = facts.get("tenure_days")
    if days is None:
        return None
    values = {"days": days, "needed": policy.tenure_days}
    return Check(days >= policy.tenure_days or None, _("%(days)s days without a gap, stable from %(needed)s") % values)


def _weeks(facts: Facts, policy: LifecyclePolicy) -> Check:
    weeks = facts.get("active_weeks")
    values = {"weeks": weeks, "needed": policy.stable_active_weeks, "of": policy.stable_of_weeks}
    if weeks is None:
        return Check(None, _("Regular use is not judged"), _("no activity source is connected"))
    label = _("Active in %(weeks)s of the last %(of)s full weeks, stable from %(needed)s")
    return Check(weeks >= policy.stable_active_weeks or None, label % values)


def _enough_days(facts: Facts, policy: LifecyclePolicy) -> Check | None:
    return _active_days(facts, policy, policy.active_days_enter, _("highly active from %(needed)s"))


def _keeps_days(facts: Facts, policy: LifecyclePolicy) -> Check | None:
    return _active_days(facts, policy, policy.active_days_keep, _("highly active is kept from %(needed)s"))


def _active_days(facts: Facts, policy: LifecyclePolicy, needed: int, note: str) -> Check | None:
    days = facts.get("active_days")
    if days is None:
        return None
    values = {"days": days, "window": policy.active_window_days, "needed": needed}
    label = _("%(days)s active days in the last %(window)s") % values
    return Check(days >= needed or None, label, note % values)


def _resumes(facts: Facts, policy: LifecyclePolicy) -> Check:
    before = facts.get("resume_state")
    name = State(before).label if before else _("none")
    return Check(True, _("Cover came back: judged by the state before, %(state)s") % {"state": name})


def _settling(facts: Facts, policy: LifecyclePolicy) -> Check:
    values = {"day": facts.get("ended_on"), "hours": policy.settlement_hours}
    label = _("The term ended on %(day)s with auto-renewal on") % values
    return Check(True, label, _("the payment has %(hours)s hours to arrive") % values)


def _lapsed(facts: Facts, policy: LifecyclePolicy) -> Check:
    values = {"days": facts["days_out"], "day": facts["ended_on"], "needed": policy.churn_after_days}
    label = _("The last term ended %(days)s days ago, on %(day)s") % values
    if facts["days_out"] > policy.churn_after_days:
        return Check(True, label, _("churned after %(needed)s days") % values)
    return Check(True, label, _("expired for %(needed)s days, then churned") % values)


def _grace(facts: Facts, policy: LifecyclePolicy) -> Check:
    until = facts.get("grace_until")
    if until is None:
        return Check(None, _("No grace"), _("the last term was not paid, or was refunded"))
    return Check(True, _("The tier is held for %(days)s days after a paid term") % {"days": facts["grace_days"]})


def _uninstalled(facts: Facts, policy: LifecyclePolicy) -> Check:
    gone = "uninstalled_at" in facts
    return Check(gone or None, _("The app was uninstalled") if gone else _("The app was not uninstalled"))


def _never(facts: Facts, policy: LifecyclePolicy) -> Check:
    return Check(True, _("There has never been a term"))


def _upcoming(facts: Facts, policy: LifecyclePolicy) -> Check:
    return Check(True, _("A term is booked and has not begun"))


def _voided(facts: Facts, policy: LifecyclePolicy) -> Check:
    return Check(True, _("Every term was voided"))


CHECKS_OF: dict[str, list[Callable[[Facts, LifecyclePolicy], Check | None]]] = {
    Rule.TRIAL_TERM: [_cover, _enough_days],
    Rule.TRIAL_RESUMED: [_cover, _enough_days],
    Rule.WINDOW: [_cover, _window, _will_not_renew],
    Rule.SILENT: [_cover, _silence, _window],
    Rule.TENURE: [_cover, _tenure, _weeks, _silence, _window],
    Rule.ACTIVE_DAYS: [_cover, _enough_days, _tenure, _silence, _window],
    Rule.KEPT: [_cover, _keeps_days, _tenure, _silence, _window],
    Rule.PAID_TERM: [_cover, _tenure, _weeks, _enough_days, _silence, _window],
    Rule.RESUMED: [_cover, _resumes, _keeps_days],
    Rule.SETTLING: [_settling],
    Rule.LAPSED: [_cover, _lapsed, _grace, _uninstalled],
    Rule.LONG_GONE: [_cover, _lapsed],
    Rule.UNINSTALLED: [_cover, _uninstalled],
    Rule.UPCOMING: [_upcoming],
    Rule.NO_TERM: [_never],
    Rule.ALL_VOIDED: [_voided],
}


def _what_follows(found: Explanation, facts: Facts, policy: LifecyclePolicy) -> Iterator[Step]:
    gone_after = timedelta(days=policy.churn_after_days + 1)
    if "kind" in facts:
        ends_on, over_on, kind = facts["ends_on"], facts["over_on"], facts["kind"]
        if facts.get("later_term"):
            yield Step(over_on, words=_("the next term begins"))
            return
        if facts.get("auto_renewal"):
            hours = {"hours": policy.settlement_hours}
            yield Step(over_on, words=_("renews by itself; the payment has %(hours)s hours to arrive") % hours)
            return
        if kind != MembershipTerm.Kind.TRIAL and found.target != State.EXPIRING:
            yield Step(ends_on - timedelta(days=facts["window_days"]), State.EXPIRING)
        yield Step(over_on, State.EXPIRED)
        if kind == MembershipTerm.Kind.PAID:
            held = {"days": facts["grace_days"]}
            yield Step(
                over_on + timedelta(days=facts["grace_days"]),
                words=_("grace ends, the tier was held %(days)s days") % held,
            )
        yield Step(ends_on + gone_after, State.CHURNED)
    elif found.target == State.EXPIRED and "ended_on" in facts:
        yield Step(facts["ended_on"] + gone_after, State.CHURNED)
