"""Finding members: search, filters of the list, and paging that costs the same on every page."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import BooleanField, DateTimeField, F, Func, Q, Subquery, Value
from django.db.models.expressions import Col
from django.db.models.functions import Cast, Coalesce, NullIf, Right
from django.db.models.lookups import IsNull
from django.db.models.sql import Query

from config.engine.ids import MOST, read_id, read_number
from members.people.querysets.days import last_day
from members.people.querysets.listed import listed_rows
from members.people.rules import normalise_identity

# Two characters of a name are a prefix: shorter than a trigram, they cannot be looked for in the middle.
PREFIX_ONLY = 2
PHONE_TAIL = 4
SEARCHED_FIRST = 1_000
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True)
class Order:
    """A sort of the list: the column, and the member's id in the same table, so that one index gives the order."""

    name: str
    column: str
    id_column: str
    is_descending: bool = False


@dataclass(frozen=True)
class Cursor:
    """The row a page ends or begins at: its sort value (None sorts last) and its id."""

    value: datetime | None
    pk: int

    def __str__(self) -> str:
        return f"{self.value.astimezone(UTC).isoformat() if self.value else ''}~{self.pk}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """The cursor an address carries; None when it is no cursor."""
        value, _separator, pk = text.partition("~")
        try:
            instant = datetime.fromisoformat(value) if value else None
        except ValueError:
            return None
        key = read_id(pk)
        return None if key is None or (instant is not None and instant.tzinfo is None) else cls(instant, key)


@dataclass(frozen=True)
class KeysetPage:
    """The ids of one page in order, and where the pages before and after it begin; None at either end."""

    ids: list[int]
    previous: Cursor | None
    next: Cursor | None


class Beyond(Func):
    """``(a, b) > (c, d)`` as PostgreSQL compares rows: the form an index on (a, b) answers directly."""

    output_field = BooleanField()

    def __init__(self, column: str, id_column: str, cursor: Cursor, *, upwards: bool) -> None:
        value = Value(cursor.value, output_field=DateTimeField())
        super().__init__(F(column), F(id_column), value, Value(cursor.pk))
        self.operator = ">" if upwards else "<"

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **extra: Any
    ) -> tuple[str, list[Any]]:
        parts = [compiler.compile(expression) for expression in self.get_source_expressions()]
        a, b, c, d = (sql for sql, _ in parts)
        return f"(({a}, {b}) {self.operator} ({c}, {d}))", [param for _, params in parts for param in params]


def _expires_on() -> Cast:
    zone = Coalesce(NullIf(F("lifecycle__time_zone"), Value("")), Value(settings.PROJECT_TIME_ZONE))
    return last_day(F("lifecycle__expiration_time"), zone)


# The calendar without its edges: a day before and after each day in it is a date too, in every time zone.
_FIRST_DAY, _LAST_DAY = date.min + timedelta(days=3), date.max - timedelta(days=3)


class MemberQuerySet(models.QuerySet):
    def in_state(self, state: str) -> "MemberQuerySet":
        return self.filter(lifecycle__lifecycle_state=state)

    def with_status(self, status: str) -> "MemberQuerySet":
        return self.filter(lifecycle__membership_status=status)

    def of_tier(self, tier: models.Model) -> "MemberQuerySet":
        return self.filter(lifecycle__tier=tier)

    def on_plan(self, plan: models.Model, at: datetime) -> "MemberQuerySet":
        """Members whose cover at ``at`` comes from ``plan``; terms never overlap, so nobody counts twice."""
        return self.filter(terms__plan=plan, terms__period__contains=at)

    def in_segment(self, segment: models.Model) -> "MemberQuerySet":
        """Members in the segment as it was last refreshed."""
        stays = self._related("segment_stays").filter(segment=segment, left_at__isnull=True)
        return self.filter(pk__in=stays.values("member_id"))

    def in_exactly(self, inside: Iterable[int], outside: Iterable[int]) -> "MemberQuerySet":
        """Members in each of the segments ``inside`` and in none of ``outside``, as they were last refreshed."""
        current = self._related("segment_stays").filter(left_at__isnull=True)
        found = self
        for segment_id in inside:
            found = found.filter(pk__in=current.filter(segment_id=segment_id).values("member_id"))
        return found.exclude(pk__in=current.filter(segment_id__in=list(outside)).values("member_id"))

    def in_segment_at(self, segment_id: int, at: datetime) -> "MemberQuerySet":
        """Members who were in the segment at ``at``, by the stays."""
        stays = self._related("segment_stays").at(at).filter(segment_id=segment_id)
        return self.filter(pk__in=stays.values("member_id"))

    def in_rfm_group(self, group: int) -> "MemberQuerySet":
        return self.filter(scores__rfm_group=group)

    def at_risk(self, low: int, high: int) -> "MemberQuerySet":
        """Members in cover whose churn risk is at least ``low`` and below ``high``."""
        return self.filter(scores__risk_score__gte=low, scores__risk_score__lt=high)

    def mature(self, is_mature: bool) -> "MemberQuerySet":
        """Members whose known parts of maturity all agree, or some of whose do not."""
        return self.filter(scores__is_mature=is_mature)

    def auto_renewing(self, on: bool) -> "MemberQuerySet":
        return self.filter(lifecycle__auto_renewal_flag=on)

    def in_cover(self) -> "MemberQuerySet":
        return self.filter(lifecycle__membership_status__in=["active", "trialing"])

    def expiring_on(self, first: date, last: date) -> "MemberQuerySet":
        """Members in cover whose last day is a local date of theirs from ``first`` to ``last``, any dates at all."""
        project = ZoneInfo(settings.PROJECT_TIME_ZONE)
        first, last = max(first, _FIRST_DAY), min(last, _LAST_DAY)
        start = datetime(first.year, first.month, first.day, tzinfo=project)
        end = datetime.combine(last + timedelta(days=1), time(0), tzinfo=project)
        day = timedelta(days=1)
        # Nearly everybody lives by the project's clock: instants that an index answers and the planner can estimate.
        # The others are looked for a day around, then judged by their own date.
        near = self.in_cover().filter(
            lifecycle__expiration_time__gt=start - day, lifecycle__expiration_time__lte=end + day
        )
        here = Q(
            lifecycle__time_zone__in=("", settings.PROJECT_TIME_ZONE),
            # A midnight is the end of the day before.
            lifecycle__expiration_time__gt=start,
            lifecycle__expiration_time__lte=end,
        )
        elsewhere = ~Q(lifecycle__time_zone__in=("", settings.PROJECT_TIME_ZONE)) & Q(expires_on__range=(first, last))
        return near.alias(expires_on=_expires_on()).filter(here | elsewhere)

    def counted_by_expiry(self, first: date, last: date) -> "models.QuerySet[Any, Any]":
        """Rows (day, is_automatic, members) of ``expiring_on``, a row per last day and auto-renewal."""
        return (
            self.expiring_on(first, last)
            .values(day=_expires_on(), is_automatic=F("lifecycle__auto_renewal_flag"))
            .annotate(members=models.Count("pk"))
            .order_by("day")
        )

    def tagged(self, tag: models.Model) -> "MemberQuerySet":
        """Who carries the tag now; of a tag made of values, who carries any of them."""
        carries = self._related("tags").current().filter(Q(tag=tag) | Q(tag__parent=tag))
        return self.filter(pk__in=carries.values("member_id"))

    def from_channel(self, channel: str) -> "MemberQuerySet":
        return self.filter(channel=channel)

    def demo(self, is_demo: bool) -> "MemberQuerySet":
        return self.filter(is_demo=is_demo)

    def anomalous(self, at_most: int = 1_000) -> "MemberQuerySet":
        """Members whose computed state no declared edge reaches, the first ``at_most`` by id.

        They are looked up first: the planner expects half the base here and would walk all of it in the list's order.
        """
        rows = self._related("lifecycle")
        return self.filter(pk__in=list(rows.anomalous().order_by("pk").values_list("pk", flat=True)[:at_most]))

    def _related(self, name: str) -> Any:
        """The default manager behind a relation: the models are made after their querysets."""
        relation: Any = self.model._meta.get_field(name)
        return relation.related_model._default_manager

    def behind(self, pk: int) -> "MemberQuerySet":
        """Those with a higher id, in order of it."""
        return self.filter(pk__gt=pk).order_by("pk")

    def held_by(self, brake_id: int) -> "MemberQuerySet":
        return self.filter(lifecycle__brake_id=brake_id)

    def moved(self, source: str, targets: Iterable[str], since: datetime) -> "MemberQuerySet":
        """Members with a lifecycle move from ``source`` to one of ``targets`` since then, wherever they are now."""
        found = self.model._default_manager.filter(
            transitions__from_state=source, transitions__to_state__in=targets, transitions__effective_at__gte=since
        )
        return self.filter(pk__in=found.values("pk"))

    def merged(self) -> "MemberQuerySet":
        """Those who were merged into another; asked of ``Member.every``."""
        return self.filter(merged_into__isnull=False)

    def survivor_of(self, pk: int) -> Any:
        """The member into whom the one with this number was merged at last; None when she was not."""
        everybody: Any = self.model._base_manager
        followed = everybody.filter(pk=pk, merged_into__isnull=False).first()
        while followed is not None and followed.merged_into_id is not None:
            followed = everybody.get(pk=followed.merged_into_id)
        return followed

    def search(self, text: str) -> "MemberQuerySet":
        """Members with this very identity or number; failing that, those whose name or identity resembles it.

        A phone is also found by its last four digits, an identity by its beginning. Up to two characters are taken
        as the beginning of a name.
        """
        plain = _plain(text)
        if not plain:
            return self
        if exact := self._identified(plain):
            return self.filter(pk__in=exact)
        if len(plain) <= PREFIX_ONLY and read_number(plain, most=MOST) is None:
            return self.filter(display_name__istartswith=plain)
        found = self._resembling(plain)
        # A few are fetched by id, however rare they are in the list's order; of many, the first page fills before
        # long on a walk in that order. Sorted, because a bare LIMIT makes the planner read the whole table instead of
        # the trigram index.
        some = list(found.order_by("pk").values_list("pk", flat=True)[: SEARCHED_FIRST + 1])
        return self.filter(pk__in=some if len(some) <= SEARCHED_FIRST else found)

    def exactly(self, text: str) -> "MemberQuerySet":
        """Members with this very identity or this number; never one whose phone only ends in it."""
        plain = _plain(text)
        number = read_id(plain)
        return self.filter(pk__in=self._identified(plain) + ([number] if number else []))

    def _identified(self, plain: str) -> list[int]:
        found = self.model._default_manager.filter(_identity_is(plain))
        return list(found.values_list("pk", flat=True)[:20])

    def _resembling(self, plain: str) -> "models.QuerySet[Any, Any]":
        """Ids of members whose name, identity or number resembles ``plain``; some more than once."""
        members = self.model._default_manager.order_by()
        found = members.filter(display_name__icontains=plain).values("pk")
        others: list[models.QuerySet[Any, Any]] = [members.filter(_identity_begins(plain)).values("pk")]
        if number := read_id(plain):
            others.append(members.filter(pk=number).values("pk"))
        if len(plain) == PHONE_TAIL and read_number(plain, most=MOST) is not None:
            tails = members.alias(tail=Right("identities__value", PHONE_TAIL))
            others.append(tails.filter(identities__kind="phone", tail=plain).values("pk"))
        return found.union(*others, all=True)

    def count_up_to(self, limit: int) -> int:
        """How many there are, but never counting beyond ``limit``."""
        rows = self.order_by()
        lifecycle = self._related("lifecycle").all()
        # Every member who stands has one lifecycle row, and nobody else has: what asks for no more than that row is
        # counted there, without 10,000 look-ups.
        where = rows.query.where.clone()
        where.children = [part for part in where.children if not _asks_who_stands(part)]
        if _columns_of(where) == {lifecycle.model._meta.db_table}:
            lifecycle.query.where = where
            rows = lifecycle
        return rows.values("pk")[:limit].count()

    def keyset_page(
        self, order: Order, *, size: int, after: Cursor | None = None, before: Cursor | None = None
    ) -> KeysetPage:
        """One page of ``size`` ids behind ``after``, or in front of ``before``.

        Rows with no value come last in either direction of the sort, by id. Reads only the rows of the page, so the
        last page is as quick as the first.
        """
        backwards = after is None and before is not None
        rows = self._walk(order, before if backwards else after, backwards=backwards, limit=size + 1)
        has_more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        first, last = (rows[0], rows[-1]) if rows else (None, None)
        behind = first if (has_more if backwards else after is not None) else None
        ahead = last if (backwards or has_more) else None
        return KeysetPage([row.pk for row in rows], behind, ahead)

    def _walk(self, order: Order, start: Cursor | None, *, backwards: bool, limit: int) -> list[Cursor]:
        rows: list[Cursor] = []
        halves: tuple[bool, ...] = (True, False) if not backwards else (False, True)
        if start is not None and (start.value is not None) != halves[0]:
            halves = halves[1:]
        for with_value in halves:
            cursor = start if start is not None and (start.value is not None) == with_value else None
            half = self._half(order, with_value, cursor, backwards=backwards)
            pairs = half.values_list(order.column, order.id_column)[: limit - len(rows)]
            rows += [Cursor(value, pk) for value, pk in pairs]
            if len(rows) >= limit:
                break
        return rows

    def _half(self, order: Order, with_value: bool, cursor: Cursor | None, *, backwards: bool) -> "MemberQuerySet":
        """The rows that have a sort value, or those that have none, from ``cursor`` on."""
        upwards = order.is_descending == backwards
        sign = "" if upwards else "-"
        half = self.filter(**{f"{order.column}__isnull": not with_value})
        if not with_value:
            half = half.order_by(f"{sign}{order.id_column}")
            if cursor is None:
                return half
            return half.filter(**{f"{order.id_column}__{'gt' if upwards else 'lt'}": cursor.pk})
        half = half.order_by(f"{sign}{order.column}", f"{sign}{order.id_column}")
        return half if cursor is None else half.filter(Beyond(order.column, order.id_column, cursor, upwards=upwards))

    def listed(self, ids: Iterable[int], at: datetime) -> list[Any]:
        """The members with these ids, in that order, each with all that a row of the list shows of her."""
        carries = self._related("tags").model
        tags = carries._meta.get_field("tag").related_model._default_manager
        return listed_rows(self.model._default_manager, tags, list(ids), at)


class StandingMembers(models.Manager.from_queryset(MemberQuerySet)):  # type: ignore[misc]
    """Members who were not merged into another."""

    def get_queryset(self) -> MemberQuerySet:
        return super().get_queryset().filter(merged_into__isnull=True)


class CurrentIdentities(models.Manager):
    """Identities by which a member goes now, and not those a merge left her with besides."""

    def get_queryset(self) -> "models.QuerySet[Any, Any]":
        return super().get_queryset().filter(is_former=False)


def _asks_who_stands(part: Any) -> bool:
    return isinstance(part, IsNull) and isinstance(part.lhs, Col) and part.lhs.target.name == "merged_into"


def _columns_of(node: Any) -> set[str]:
    """The tables whose columns a condition reads, by alias; "" stands for those of a subquery."""
    if isinstance(node, Col):
        return {node.alias}
    if isinstance(node, Query | Subquery):
        return {""}
    parts: list[Any] = getattr(node, "get_source_expressions", list)()
    return {table for part in parts if part for table in _columns_of(part)}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("\0", "").strip()


def _identity_is(plain: str) -> Q:
    kinds = ("external_id", "email", "phone", "openid", "unionid")
    matches = Q()
    for kind in kinds:
        matches |= Q(identities__kind=kind, identities__value=normalise_identity(kind, plain))
    return matches


def _identity_begins(plain: str) -> Q:
    """A range instead of ``LIKE``, which the unique index on (kind, value) answers in any locale ordered by code."""
    matches = Q()
    for kind in ("external_id", "email", "phone"):
        low = normalise_identity(kind, plain)
        matches |= Q(identities__kind=kind, identities__value__gte=low, identities__value__lt=low + _HIGHEST)
    return matches
