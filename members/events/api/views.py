"""The Segment HTTP Tracking API: what programs send about members. See docs/events-in.md for the answers."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from config.api.bodies import UnusableBody, secret_of, text_of
from config.api.problems import problem
from config.engine import clock
from config.engine.refusal import Refused
from config.staff.access import public
from members.events.operations.taking import BATCH, take_messages
from members.events.querysets.keys import hash_of, key_opened_by
from members.lifecycle import tasks


@public
@csrf_exempt
@require_POST
def take(request: HttpRequest, kind: str) -> HttpResponse:
    """Take what a write key sent. The key is the whole of the authentication: no session, no cookie."""
    at, secret = clock.now(), secret_of(request)
    try:
        outcome = take_messages(body=text_of(request), kind=kind, key_hash=hash_of(secret), at=at)
    except Refused as refused:
        return problem(refused.code)
    except UnusableBody as refused:
        # What is wrong with a body is nobody's business without a key.
        return problem(refused.code if key_opened_by(secret, at) else "unauthorized")
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
