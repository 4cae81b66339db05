"""The Segment HTTP Tracking API: what programs send about members. See docs/events-in.md for the answers."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from config.staff import clock
from config.staff.access import public
from members import tasks
from members.ingest.bodies import UnusableBody, secret_of, text_of
from members.ingest.operations.taking import BATCH, BodyRefused, take_messages
from members.ingest.problems import problem
from members.ingest.querysets.keys import key_opened_by


@public
@csrf_exempt
@require_POST
def take(request: HttpRequest, kind: str) -> HttpResponse:
    """Take what a write key sent. The key is the whole of the authentication: no session, no cookie."""
    at = clock.now()
    key = key_opened_by(secret_of(request), at)
    if key is None:
        return problem("unauthorized")
    try:
        outcome = take_messages(body=text_of(request), kind=kind, key=key, at=at)
    except (BodyRefused, UnusableBody) as refused:
        return problem(refused.code)
    transaction.on_commit(tasks.wake_sweep, robust=True)
    if kind != BATCH and outcome.rejected:
        return problem(outcome.rejected[0]["reason"])
    answer: dict[str, Any] = {"success": True}
    if kind == BATCH:
        answer |= {
            "accepted": outcome.accepted, "duplicates": outcome.duplicates, "parked": outcome.parked,
            "rejected": outcome.rejected,
        }  # fmt: skip
    return JsonResponse(answer)
