"""What the pages of seats show: the owners, the seats of one of them, and those that cannot follow."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from config.console.paging import Pages
from config.engine.ids import read_id
from config.engine.naming import name_of
from entitlements.seats.models import Seat, SeatFault, SeatPlan
from entitlements.seats.owners import running_terms
from entitlements.seats.words import fault_text
from members.people.models import Member
from members.plans.models import Plan


class OwnerList(Pages):
    """One page of the owners of seats, the last bought first. ``room`` is ``free``, ``full`` or all."""

    def __init__(self, params: Mapping[str, str], *, at: datetime) -> None:
        self.at = at
        # Nobody bought what is no plan.
        self.plan = (read_id(params["plan"]) or 0) if params.get("plan") else None
        self.kind = params.get("kind", "") if params.get("kind") in SeatPlan.Kind.values else ""
        self.room = params.get("room", "") if params.get("room") in ("free", "full") else ""
        self.after = read_id(params.get("after", ""))

    @property
    def _owners(self) -> QuerySet[Any]:
        """Of the plan and kind asked for."""
        rows = running_terms(self.at)
        if self.plan is not None:
            rows = rows.filter(plan_id=self.plan)
        return rows.filter(plan__seat_plan__kind=self.kind) if self.kind else rows

    def asked(self) -> dict[str, Any]:
        return {"plan": self.plan, "kind": self.kind, "room": self.room}

    def behind(self) -> QuerySet[Any]:
        rows = self._owners.select_related("member__lifecycle", "plan__seat_plan").order_by("-pk")
        if self.room:
            rows = rows.filter(taken__lt=F("brought")) if self.room == "free" else rows.filter(taken__gte=F("brought"))
        return rows.filter(pk__lt=self.after) if self.after is not None else rows

    @cached_property
    def counts(self) -> dict[str, int]:
        return self._owners.order_by().aggregate(
            all=Count("pk"), free=Count("pk", filter=Q(taken__lt=F("brought"))),
            full=Count("pk", filter=Q(taken__gte=F("brought"))),
        )  # fmt: skip

    @property
    def tabs(self) -> list[dict[str, Any]]:
        words = {"": _("All"), "free": _("Free seats"), "full": _("All in use")}
        return [
            {
                "label": label, "count": self.counts[room or "all"], "href": self.address(room=room),
                "current": room == self.room,
            }
            for room, label in words.items()
        ]  # fmt: skip

    @property
    def kinds(self) -> list[dict[str, Any]]:
        words = [("", _("All")), *SeatPlan.Kind.choices]
        return [
            {"label": label, "href": self.address(kind=kind, plan=""), "current": kind == self.kind}
            for kind, label in words
        ]

    @property
    def is_narrowed(self) -> bool:
        return bool(self.plan or self.kind or self.room)

    @cached_property
    def plans(self) -> list[dict[str, Any]]:
        """Every plan that is sold or brings seats, with how many owners have it now."""
        counted = running_terms(self.at).order_by().values_list("plan_id").annotate(n=Count("pk"))
        owners = dict(counted)
        rows = Plan.objects.filter(Q(is_sold=True) | Q(seat_plan__isnull=False)).select_related(
            "tier", "seat_plan__tier"
        )
        found = [
            {
                "plan": plan, "brings": getattr(plan, "seat_plan", None), "owners": owners.get(plan.pk, 0),
                "href": self.address(plan=plan.pk, kind="", room=""), "current": plan.pk == self.plan,
            }
            for plan in rows
        ]  # fmt: skip
        return sorted(found, key=lambda row: not (row["brings"] and row["brings"].seats))

    @property
    def heading(self) -> str:
        """The plan the list is narrowed to."""
        plan = Plan.objects.filter(pk=self.plan).first() if self.plan else None
        return name_of(plan)


class OwnerPage(Pages):
    """One owner's seats, those that are held or those that ended."""

    def __init__(self, member_id: int, params: QueryDict, *, at: datetime) -> None:
        self.owner = get_object_or_404(Member.objects.select_related("lifecycle"), pk=member_id)
        self.at = at
        self.is_past = params.get("which") == "ended"
        self.after = read_id(params.get("after", ""))

    @cached_property
    def running(self) -> Any:
        return running_terms(self.at).filter(member=self.owner).select_related("plan__seat_plan").first()

    def asked(self) -> dict[str, Any]:
        return {"which": "ended" if self.is_past else ""}

    def behind(self) -> QuerySet[Seat]:
        rows = Seat.objects.of_owner(self.owner.pk).filter(ended_at__isnull=not self.is_past)
        return rows.select_related("member", "given_by", "ended_by", "fault").behind(self.after)

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        counts = Seat.objects.of_owner(self.owner.pk).aggregate(
            held=Count("pk", filter=Q(ended_at__isnull=True)), ended=Count("pk", filter=Q(ended_at__isnull=False))
        )
        return [
            {"label": _("In use"), "count": counts["held"], "href": "?", "current": not self.is_past},
            {"label": _("Ended"), "count": counts["ended"], "href": "?which=ended", "current": self.is_past},
        ]


class StuckList(Pages):
    """One page of the seats that cannot follow their owner."""

    def __init__(self, params: Mapping[str, str]) -> None:
        self.after = read_id(params.get("after", ""))

    def behind(self) -> QuerySet[SeatFault]:
        rows = SeatFault.objects.open().select_related("seat__member", "seat__group__member")
        return rows.behind(self.after)

    @property
    def stuck(self) -> list[dict[str, Any]]:
        return [{"seat": fault.seat, "since": fault.found_at, "why": fault_text(fault.code)} for fault in self.rows]
