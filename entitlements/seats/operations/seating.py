"""Seats given, taken back, and kept in line with the terms of their owners.

What a seat gives is a term of the holder's own, lent by the operations on terms, so that lifecycle, benefits and
segments know of seats without being told.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.seats import querysets
from entitlements.seats.models import Seat, SeatFault, SeatGroup, SeatTerm
from entitlements.seats.owners import running_terms
from members.lifecycle.models import MemberLifecycle
from members.plans.models import Tier
from members.terms.models import MembershipTerm
from members.terms.operations.terms import end_cover, lend_cover, switch_auto_renewal
from members.terms.orders import house_order

logger = logging.getLogger(__name__)

# Owners looked up at once; each is put right in a transaction of their own.
BATCH = 1_000


@transaction.atomic
def give_seat(*, owner_id: int, member_id: int, at: datetime, actor: User | None) -> Seat:
    """Give one of the owner's places to a member, with cover from ``at`` on; the one she has of her, when she has one.

    Raises Refused. Safe to run concurrently: both lifecycle rows are locked, in the order of their ids, so there
    are never more seats than the plan brings.
    """
    if owner_id == member_id:
        raise Refused("self")
    if not _locked({owner_id, member_id}):
        raise Refused("member_gone")
    had = Seat.objects.open().filter(member_id=member_id).select_related("group").first()
    if had is not None:
        if had.group.member_id != owner_id:
            raise Refused("has_seat")
        return had
    running = running_terms(at).filter(member_id=owner_id).first()
    if running is None:
        raise Refused("brings_none")
    if running.taken >= running.brought:
        raise Refused("full")
    own = MembershipTerm.objects.filter(member_id=member_id).open_or_upcoming(at)
    if own.exclude(kind=MembershipTerm.Kind.TRIAL).exists():
        raise Refused("has_cover")
    # One to an owner by her lock; after a merge she may have two.
    group = SeatGroup.objects.filter(member_id=owner_id).first()
    group = group or SeatGroup.objects.create(member_id=owner_id, created_at=at)
    seat = Seat.objects.create(group=group, member_id=member_id, given_at=at, given_by=actor)
    audit(seat, "seat.given", actor=actor, at=at, owner=owner_id)
    _lend(querysets.lacking_cover_of(at, seat_id=seat.pk), at)
    _renew_alike(owner_id, at)
    return seat


@transaction.atomic
def end_seat(*, seat_id: int, reason: str, at: datetime, actor: User | None) -> Seat:
    """End a seat and the cover it lent; ``reason`` is one of ``Seat.EndReason``. An ended one stays as it is."""
    people = Seat.objects.values_list("member_id", "group__member_id").get(pk=seat_id)
    _locked(set(people))
    seat = Seat.objects.select_related("group").get(pk=seat_id)
    if seat.ended_at is None:
        _end(seat, reason, at, actor)
    return seat


def follow_seats(*, at: datetime) -> int:
    """Bring the seats whose owners' terms changed in line with them; returns how many owners were put right.

    One statement over the open seats finds the owners that differ, ``BATCH`` at a time; only these are touched, each in
    a transaction of its own. What cannot be put right is a ``SeatFault`` until it can, and neither the owner's other
    seats nor other owners wait for it. Safe to run concurrently and to kill.
    """
    followed, last_id = 0, 0
    while owners := querysets.owners_behind(at, BATCH, after=last_id):
        for owner_id in owners:
            try:
                followed += follow_owner(owner_id=owner_id, at=at)
            except (Refused, DatabaseError) as error:
                logger.error("The seats of member %s cannot follow: %s", owner_id, _cause(error))
                _note_faults(owner_id, _cause(error), at)
        last_id = owners[-1]
    return followed


@transaction.atomic
def follow_owner(*, owner_id: int, at: datetime) -> bool:
    """Bring one owner's seats in line with her terms: end those she brings no more, cut and lend cover, renew alike.

    Returns False when somebody got or lost a seat meanwhile, or one cannot follow; the next pass finds what is left.
    Each seat is a step of its own, so that the others follow all the same.
    """
    seats = Seat.objects.open().of_owner(owner_id)
    _locked(people := {owner_id, *seats.values_list("member_id", flat=True)})
    by_id = {seat.pk: seat for seat in seats.all().select_related("group")}
    if not {seat.member_id for seat in by_id.values()} <= people:
        return False
    steps: list[tuple[Callable[..., list[dict[str, Any]]], Callable[[dict[str, Any]], object]]] = [
        (querysets.unfounded_seats, lambda row: _end(by_id[row["seat_id"]], row["reason"], at, None)),
        (querysets.overlong_cover, lambda row: end_cover(term_id=row["term_id"], at=at, actor=None, reason="")),
        (querysets.lacking_cover, lambda row: _lend([row], at)),
    ]
    faults: dict[int, str] = {}
    for find, step in steps:
        faults = _each(find(at, owner_id=owner_id), step) | faults
    _renew_alike(owner_id, at)
    SeatFault.objects.filter(seat__group__member_id=owner_id).exclude(seat_id__in=faults).delete()
    _keep_faults(faults, at)
    return not faults


def _each(rows: Iterable[dict[str, Any]], step: Callable[[dict[str, Any]], object]) -> dict[int, str]:
    """Take a step for each seat by itself; returns why not by the seats that could not."""
    faults = {}
    for row in rows:
        try:
            with transaction.atomic():
                step(row)
        except (Refused, IntegrityError) as error:
            faults[row["seat_id"]] = _cause(error)
            logger.error("Seat %s cannot follow its owner: %s", row["seat_id"], _cause(error))
    return faults


@transaction.atomic
def _note_faults(owner_id: int, code: str, at: datetime) -> None:
    """Nothing of an owner's could be put right: a fault of every seat they gave."""
    seats = Seat.objects.open().of_owner(owner_id).select_for_update(of=("self",)).order_by("pk")
    _keep_faults({seat.pk: code for seat in seats}, at)


def _keep_faults(faults: Mapping[int, str], at: datetime) -> None:
    SeatFault.objects.bulk_create(
        [SeatFault(seat_id=pk, code=code, found_at=at, tried_at=at) for pk, code in faults.items()],
        update_conflicts=True, unique_fields=["seat"], update_fields=["code", "tried_at"],
    )  # fmt: skip


def _cause(error: Exception) -> str:
    return error.code if isinstance(error, Refused) else "database"


def _locked(member_ids: set[int]) -> bool:
    """Lock the members as every operation on terms does; whether all are there."""
    rows = MemberLifecycle.objects.select_for_update().filter(pk__in=member_ids).order_by("pk")
    return len(rows) == len(member_ids)


def _lend(rows: Iterable[Mapping[str, Any]], at: datetime) -> None:
    for row in rows:
        term = lend_cover(
            member_id=row["member_id"], tier=Tier.objects.get(pk=row["tier_id"]), starts_at=row["starts_at"],
            ends_at=row["ends_at"], at=at, actor=None,
            external_ref=house_order("seat", row["seat_id"], row["follows_id"]),
        )  # fmt: skip
        SeatTerm.objects.create(seat_id=row["seat_id"], follows_id=row["follows_id"], term=term)


def _renew_alike(owner_id: int, at: datetime) -> None:
    """Let the holders' cover renew by itself exactly when the owner's membership does."""
    for row in querysets.renewing_otherwise(at, owner_id=owner_id):
        switch_auto_renewal(member_id=row["member_id"], on=row["renews"], at=at, actor=None)


def _end(seat: Seat, reason: str, at: datetime, actor: User | None) -> None:
    seat.ended_at, seat.end_reason, seat.ended_by = at, reason, actor
    seat.save(update_fields=["ended_at", "end_reason", "ended_by"])
    audit(seat, "seat.ended", actor=actor, at=at, owner=seat.group.member_id, why=reason)
    lent = MembershipTerm.objects.filter(seat_term__seat=seat, member_id=seat.member_id, lent_until__gt=at)
    for term_id in lent.order_by("pk").values_list("pk", flat=True):
        end_cover(term_id=term_id, at=at, actor=actor, reason="")
    if not MembershipTerm.objects.filter(member_id=seat.member_id).open_or_upcoming(at).exists():
        switch_auto_renewal(member_id=seat.member_id, on=False, at=at, actor=actor)
