"""The list of likely duplicates, two members side by side, and what a member's own page says about merges."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Self

from django.conf import settings
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.engine import clock
from config.engine.ids import read_id, read_number
from config.engine.naming import name_of
from members.lifecycle.models import MemberLifecycle
from members.merging.console.forms import A, B, MergeForm
from members.merging.models import DuplicatePair, MergeRecord
from members.merging.operations.choosing import ATTRIBUTE, PROFILE, differences
from members.merging.operations.queues import foresee
from members.merging.querysets import moving
from members.merging.querysets.finding import ATTRIBUTES
from members.merging.querysets.pairs import DuplicatePairQuerySet
from members.people.belongings import BELONGINGS
from members.people.models import Identity, Member
from members.people.rules import last_day, local_date
from members.terms.models import MembershipTerm
from members.terms.operations.rehearsing import Stretch
from members.terms.queue import Placed

PAGE_SIZE = 50
COUNT_LIMIT = 1_001
NOTICED = 3
Reason = DuplicatePair.Reason


class PairList:
    """The pairs as one address asks for them: open or dismissed, of one reason or all, strongest first."""

    def __init__(self, params: QueryDict) -> None:
        self.params = params
        self.is_dismissed = params.get("shown") == "dismissed"
        asked = params.get("reason", "")
        self.reason = asked if asked in Reason.values else ""

    @property
    def reasons(self) -> list[tuple[str, str | Promise]]:
        return list(Reason.choices)

    def _pairs(self, is_dismissed: bool) -> DuplicatePairQuerySet:
        pairs = DuplicatePair.objects.dismissed() if is_dismissed else DuplicatePair.objects.open()
        return pairs.because_of(self.reason) if self.reason else pairs

    @cached_property
    def _walk(self) -> tuple[list[DuplicatePair], bool]:
        """The rows of the page and whether more follow in the direction walked."""
        after, before = (_place(self.params.get(name, "")) for name in ("after", "before"))
        pairs = self._pairs(self.is_dismissed).select_related(
            "member_a__lifecycle__tier", "member_b__lifecycle__tier", "dismissed_by"
        )
        walked = pairs.ahead(*before) if before and not after else pairs.strongest_first()
        found = list((walked.behind(*after) if after else walked)[: PAGE_SIZE + 1])
        rows = found[:PAGE_SIZE]
        return rows[::-1] if before and not after else rows, len(found) > PAGE_SIZE

    @property
    def rows(self) -> list[DuplicatePair]:
        return self._walk[0]

    @cached_property
    def count(self) -> int:
        return self._pairs(self.is_dismissed).order_by()[:COUNT_LIMIT].count()

    @property
    def is_capped(self) -> bool:
        return self.count == COUNT_LIMIT

    @property
    def shown_count(self) -> int:
        return min(self.count, COUNT_LIMIT - 1)

    @property
    def tabs(self) -> list[dict[str, Any]]:
        return [
            {"label": label, "href": self._url(shown=shown), "current": self.is_dismissed == bool(shown)}
            for shown, label in (("", _("To look at")), ("dismissed", _("Not the same person")))
        ]

    @property
    def previous_url(self) -> str:
        has_more = self._walk[1] if self.params.get("before") else bool(self.params.get("after"))
        return self._url(before=_mark(self.rows[0])) if self.rows and has_more else ""

    @property
    def next_url(self) -> str:
        has_more = bool(self.params.get("before")) or self._walk[1]
        return self._url(after=_mark(self.rows[-1])) if self.rows and has_more else ""

    def _url(self, **changes: str) -> str:
        query = QueryDict(mutable=True)
        for name, value in ({"shown": self.params.get("shown", ""), "reason": self.reason} | changes).items():
            if value:
                query[name] = value
        return f"{reverse('merging:index')}?{query.urlencode()}"


def _mark(pair: DuplicatePair) -> str:
    return f"{pair.strength}~{pair.pk}"


def _place(text: str) -> tuple[int, int] | None:
    text, _, pk = text.partition("~")
    strength, pair_id = read_number(text, most=32_767), read_id(pk)
    return None if strength is None or pair_id is None else (strength, pair_id)


@dataclass(frozen=True)
class Row:
    """A field in which the two differ: how it is shown, its radio's name, and whose value is taken."""

    label: str
    kind: str
    a: Any
    b: Any
    name: str
    chosen: str


@dataclass(frozen=True)
class Share:
    """How many rows of a kind each of the two has."""

    label: str | Promise
    a: int
    b: int


@dataclass(frozen=True)
class TermLine:
    """A stretch that an order covers: whose it is, its first and its last day, and whether it runs now."""

    what: str
    kind: str
    member_id: int
    starts_on: date
    last_on: date
    runs: bool

    @classmethod
    def of(cls, row: MembershipTerm | Stretch, member_id: int, span: Placed | Stretch, zone: str, at: datetime) -> Self:
        return cls(
            name_of(row.plan) or name_of(row.tier),
            str(MembershipTerm.Kind(row.kind).label),
            member_id,
            local_date(span.starts_at, zone),
            last_day(span.ends_at, zone),
            span.starts_at <= at,
        )


def parted_queues(parts: dict[int, list[Stretch]], at: datetime) -> list[tuple[int, list[TermLine]]]:
    """What each member would have, by number."""
    zones = dict(MemberLifecycle.objects.filter(pk__in=parts).values_list("pk", "time_zone"))
    zone = next((zone for zone in zones.values() if zone), settings.PROJECT_TIME_ZONE)
    return [
        (member_id, [TermLine.of(stretch, member_id, stretch, zone, at) for stretch in stretches])
        for member_id, stretches in parts.items()
    ]


class Comparison:
    """Two members side by side. Raises Http404 when there is no such pair, or one of the two is gone."""

    def __init__(self, pair_id: int, data: QueryDict | None = None) -> None:
        found = DuplicatePair.objects.standing().select_related("dismissed_by").filter(pk=pair_id).first()
        if found is None:
            raise Http404
        self.pair: DuplicatePair = found
        self.at = clock.now()
        people = Member.objects.select_related("lifecycle__tier").prefetch_related("identities")
        by_id = people.in_bulk([found.member_a_id, found.member_b_id])
        self.a, self.b = by_id[found.member_a_id], by_id[found.member_b_id]
        self.differences = differences(self.a, self.b)
        self.usual = B if _weight(self.b) > _weight(self.a) else A
        ordered = self.differences if self.usual == A else differences(self.b, self.a)
        by_key = {difference.key: difference for difference in ordered}
        self.form = MergeForm(
            data, pair=found, stays=self.usual, differences=[by_key[difference.key] for difference in self.differences]
        )

    @property
    def stays(self) -> str:
        return self.form["stay"].value()

    @property
    def rows(self) -> list[Row]:
        return [
            Row(
                _label(difference.key), _kind(difference.key), difference.survivor, difference.absorbed, f"value_{n}",
                self.form[f"value_{n}"].value(),
            )
            for n, difference in enumerate(self.differences)
        ]  # fmt: skip

    @cached_property
    def shares(self) -> list[Share]:
        """What each of the two has: all of it is the one's who stays afterwards."""
        counted = (Share(b.label, moving.count_of(b, self.a.pk), moving.count_of(b, self.b.pk)) for b in BELONGINGS)
        return [share for share in counted if share.a or share.b]

    @cached_property
    def queues(self) -> list[tuple[int, list[TermLine]]]:
        """What would run until when, by who stays; once where it is the same whoever does."""
        by_survivor = [(one.pk, self._queue(one, other)) for one, other in ((self.a, self.b), (self.b, self.a))]
        return by_survivor[:1] if by_survivor[0][1] == by_survivor[1][1] else by_survivor

    def _queue(self, survivor: Member, absorbed: Member) -> list[TermLine]:
        try:
            found = foresee(survivor.lifecycle, absorbed.lifecycle, self.at)
        except OverflowError:
            return []
        zone = survivor.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
        return [TermLine.of(row, row.member_id, stretch, zone, self.at) for row, stretch in found]

    @cached_property
    def tags(self) -> dict[str, list[Any]]:
        return {side: list(member.tags.filter(until__isnull=True)) for side, member in ((A, self.a), (B, self.b))}


def _weight(member: Member) -> tuple[bool, datetime | None, int]:
    """Who usually stays: who has cover, then whose cover ends last, then who came first."""
    life = member.lifecycle
    return life.membership_status in ("active", "trialing"), _ordered(life.expiration_time), -member.pk


def _ordered(instant: datetime | None) -> Any:
    return instant.timestamp() if instant else 0.0


def _label(key: str) -> str:
    if key.startswith(ATTRIBUTE):
        return key.removeprefix(ATTRIBUTE)
    if key in Identity.Kind.values:
        return str(Identity.Kind(key).label)
    return str(_field(key).verbose_name)


def _field(key: str) -> Any:
    return (Member if key in PROFILE else MemberLifecycle)._meta.get_field(key)


def _kind(key: str) -> str:
    """How a value is shown: masked like an identity where it says one, or as it is."""
    if key.startswith(ATTRIBUTE):
        name = key.removeprefix(ATTRIBUTE)
        return next((kind for kind in ("phone", "email") if name in ATTRIBUTES[kind]), "plain")
    return {
        "display_name": "name",
        "phone": "phone",
        "email": "email",
        "birthday_on": "day",
        "registered_at": "time",
    }.get(key, "plain")


def surplus_of(record: MergeRecord) -> list[tuple[str | Promise, int]]:
    """What could not go back when a merge was undone: how many rows of each kind."""
    surplus = record.kept.get("surplus", {})
    return [(belonging.label, len(surplus[belonging.table])) for belonging in BELONGINGS if belonging.table in surplus]


def likely_of(member_id: int) -> list[tuple[DuplicatePair, Member]]:
    """The strongest open pairs of a member, each with the other one."""
    pairs = DuplicatePair.objects.open().of(member_id).strongest_first().select_related("member_a", "member_b")
    return [(pair, pair.member_b if pair.member_a_id == member_id else pair.member_a) for pair in pairs[:NOTICED]]


def merges_of(member_id: int) -> list[MergeRecord]:
    """The merges in force into a member, the last first: they are undone in this order."""
    merges = MergeRecord.objects.in_force().filter(survivor=member_id).select_related("absorbed", "merged_by")
    return list(merges.order_by("-pk"))
