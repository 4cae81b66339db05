"""Seats for programs: listed, given, taken back. Each is idempotent by itself. See docs/benefits-api.md."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from config.api.bodies import UnusableBody, object_of
from config.api.problems import problem
from config.engine.refusal import Refused
from entitlements.seats.models import Seat
from entitlements.seats.operations import seating
from entitlements.seats.owners import running_terms
from entitlements.usage.api.access import keyed, member_named, refuse
from entitlements.usage.api.fields import external_id_of, whole_number
from members.events.querysets.keys import OpenedKey
from members.people.models import Identity, Member

PAGE = 100
# By whom a seat ends at the word of a program: the owner, or who holds it.
_BY = {"owner": Seat.EndReason.TAKEN_BACK, "holder": Seat.EndReason.LEFT}


@require_http_methods(["GET", "HEAD", "POST"])
@keyed(refuse)
def seats(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str) -> HttpResponse:
    """The seats of an owner that are held, a page at a time; a POST gives one."""
    owner = member_named(external_id_of(external_id))
    if owner is None:
        return problem("unknown_member", HTTPStatus.NOT_FOUND)
    return _given(request, owner, at) if request.method == "POST" else _listed(request, owner, at)


@require_http_methods(["DELETE"])
@keyed(refuse)
def seat(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str, seat_id: int) -> HttpResponse:
    """Take a seat back, or with ``by=holder`` leave it; a second time says the same."""
    owner = member_named(external_id_of(external_id))
    if owner is None:
        return problem("unknown_member", HTTPStatus.NOT_FOUND)
    reason = _BY.get(request.GET.get("by", "owner"))
    if reason is None:
        raise UnusableBody("by")
    if not Seat.objects.of_owner(owner.pk).filter(pk=seat_id).exists():
        return problem("unknown_seat", HTTPStatus.NOT_FOUND)
    ended = seating.end_seat(seat_id=seat_id, reason=reason, at=at, actor=None)
    return JsonResponse(_told(ended, _names([ended])))


def _listed(request: HttpRequest, owner: Member, at: datetime) -> HttpResponse:
    after = whole_number(request, "cursor", 0)
    found = list(Seat.objects.open().of_owner(owner.pk).behind(after or None)[: PAGE + 1])
    page = found[:PAGE]
    names = _names(page)
    running = running_terms(at).filter(member=owner).first()
    cursor = str(page[-1].pk) if len(found) > PAGE else None
    return JsonResponse(
        {
            "brought": running.brought if running else 0, "held": Seat.objects.open().of_owner(owner.pk).count(),
            "seats": [_told(row, names) for row in page], "next_cursor": cursor,
        }
    )  # fmt: skip


def _given(request: HttpRequest, owner: Member, at: datetime) -> HttpResponse:
    who = object_of(request).get("member")
    if not isinstance(who, str):
        raise UnusableBody("member")
    holder = member_named(external_id_of(who))
    if holder is None:
        return problem("unknown_holder", HTTPStatus.NOT_FOUND)
    try:
        given = seating.give_seat(owner_id=owner.pk, member_id=holder.pk, at=at, actor=None)
    except Refused as refused:
        return problem(f"seat_{refused.code}", HTTPStatus.CONFLICT)
    return JsonResponse(_told(given, _names([given])))


def _names(rows: list[Seat]) -> dict[int, str]:
    """The external ids of who holds them."""
    kind = Identity.Kind.EXTERNAL_ID
    found = Identity.objects.filter(kind=kind, member_id__in=[row.member_id for row in rows])
    return dict(found.values_list("member_id", "value"))


def _told(row: Seat, names: dict[int, str]) -> dict[str, Any]:
    return {
        "seat": row.pk, "member": names.get(row.member_id), "given_at": row.given_at, "ended_at": row.ended_at,
        "end_reason": row.end_reason or None,
    }  # fmt: skip
