"""A member's terms as a bar over time: positions in percent, so that the page needs no script and no inline style."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.engine.naming import name_of
from members.people.rules import last_day, local_date
from members.terms.models import MembershipTerm
from members.terms.rules import hold_of

# Below this width a label does not fit into its bar.
ROOM_FOR_NAME = 9.0
MARGIN_DAYS = 14
# Shorter histories get a tick a month, longer ones a tick a year.
MONTH_TICKS_BELOW_DAYS = 500


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Span:
    x: float
    width: float
    cls: str
    state: str = ""
    inside: str = ""
    below: str = ""


@dataclass(frozen=True)
class Now:
    x: float
    label: str
    anchor: str = "start"
    dx: int = 6


@dataclass
class Chart:
    label: str
    now: Now
    ticks: list[Tick] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


@dataclass
class _Run:
    """Terms of one plan and kind that follow each other without a gap."""

    terms: list[MembershipTerm]

    @property
    def start(self) -> datetime:
        return self.terms[0].starts_at

    @property
    def end(self) -> datetime:
        return self.terms[-1].effective_ends_at


class _Scale:
    def __init__(self, first: datetime, last: datetime) -> None:
        margin = max(timedelta(days=MARGIN_DAYS), (last - first) * 0.03)
        self.first, self.last = first - margin, last + margin

    def x(self, at: datetime) -> float:
        return round((at - self.first) / (self.last - self.first) * 100, 2)


def draw(terms: Sequence[MembershipTerm], *, at: datetime, policy_days: int, zone: str) -> Chart | None:
    """The chart of ``terms`` as seen at ``at``; None when there is nothing to draw. ``policy_days`` is the grace."""
    shown = [term for term in terms if term.voided_at is None and term.effective_ends_at > term.starts_at]
    if not shown:
        return None
    runs = _runs(shown)
    held = _held_until(shown, runs[-1].end, policy_days, zone)
    scale = _Scale(runs[0].start, max(runs[-1].end, at, held or at))
    chart = Chart(label=_described(runs, zone), now=_now(scale, at), ticks=_ticks(scale))
    for i, run in enumerate(runs):
        chart.spans.append(_span(run, scale, i))
        following = runs[i + 1] if i + 1 < len(runs) else None
        if following and following.start > run.end:
            chart.spans.append(_gap(run, following, scale))
    if held:
        x = scale.x(runs[-1].end)
        grace_days = (local_date(held, zone) - local_date(runs[-1].end, zone)).days
        words = ngettext("%(n)s day of grace", "%(n)s days of grace", grace_days) % {"n": grace_days}
        chart.spans.append(Span(x, scale.x(held) - x, "fs", "expiring", below=words if held > at else ""))
    return chart


def _runs(terms: Sequence[MembershipTerm]) -> list[_Run]:
    runs: list[_Run] = []
    for term in terms:
        last = runs[-1].terms[-1] if runs else None
        is_same = last and (last.plan_id, last.kind, last.tier_id) == (term.plan_id, term.kind, term.tier_id)
        if last and is_same and last.effective_ends_at == term.starts_at and not last.close_reason:
            runs[-1].terms.append(term)
        else:
            runs.append(_Run([term]))
    return runs


def _span(run: _Run, scale: _Scale, index: int) -> Span:
    term, n = run.terms[0], len(run.terms)
    x, width = scale.x(run.start), max(scale.x(run.end) - scale.x(run.start), 0.4)
    name = name_of(term.plan) or name_of(term.tier)
    if term.kind != MembershipTerm.Kind.PAID:
        name = str(term.get_kind_display())
    words = f"{name} ×{n}" if n > 1 else name
    inside = words if width >= ROOM_FOR_NAME else ""
    if term.kind == MembershipTerm.Kind.TRIAL:
        return Span(x, width, "fs", "trial", inside="", below=words)
    is_pale = index % 2 == 1 or term.kind != MembershipTerm.Kind.PAID
    # White words stand on the dark bar only.
    return Span(
        x,
        width,
        "fb" if is_pale else "fa",
        inside="" if is_pale else inside,
        below="" if not is_pale and inside else words,
    )


def _gap(run: _Run, following: _Run, scale: _Scale) -> Span:
    days = (localtime(following.start).date() - localtime(run.end).date()).days
    x = scale.x(run.end)
    words = ngettext("%(n)s day without", "%(n)s days without", days) % {"n": days}
    return Span(x, max(scale.x(following.start) - x, 0.2), "gapr", "expired", below=words)


def _held_until(terms: Sequence[MembershipTerm], end: datetime, policy_days: int, zone: str) -> datetime | None:
    """Until when the tier is held behind the last of ``terms``, which ends at ``end``."""
    hold = hold_of([term.as_span(end, policy_days=policy_days) for term in terms], zone)
    return hold.until if hold and hold.until > end else None


def _now(scale: _Scale, at: datetime) -> Now:
    x = scale.x(at)
    return Now(x, _("today"), "end", -6) if x > 80 else Now(x, _("today"))


def _ticks(scale: _Scale) -> list[Tick]:
    first, last = localtime(scale.first), localtime(scale.last)
    zone = first.tzinfo
    monthly = (scale.last - scale.first).days < MONTH_TICKS_BELOW_DAYS
    step = 1 if not monthly else max(1, round((scale.last - scale.first).days / 30 / 8))
    ticks = []
    day = date(first.year, first.month if monthly else 1, 1)
    while day <= last.date():
        at = datetime(day.year, day.month, 1, tzinfo=zone)
        if at >= scale.first:
            ticks.append(Tick(scale.x(at), f"{day:%Y-%m}" if monthly else str(day.year)))
        months = day.year * 12 + day.month - 1 + (step if monthly else 12)
        day = date(months // 12, months % 12 + 1, 1)
    return ticks


def _described(runs: Sequence[_Run], zone: str) -> str:
    """The chart in words, for those who do not see it; days as the member's clock has them."""
    parts = [
        _("%(what)s from %(start)s to %(end)s")
        % {
            "what": name_of(run.terms[0].plan) or run.terms[0].get_kind_display(),
            "start": local_date(run.start, zone).isoformat(),
            "end": last_day(run.end, zone).isoformat(),
        }
        for run in runs
    ]
    return "; ".join(parts)
