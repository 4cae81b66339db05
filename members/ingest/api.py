"""The Segment HTTP Tracking API: what programs send about members. See docs/events-in.md for the answers."""

from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from config.staff import clock
from config.staff.access import public
from members import tasks
from members.ingest.bodies import UnusableBody, secret_of, text_of
from members.ingest.models import WriteKey
from members.ingest.operations.taking import BATCH, BodyRefused, take_messages

_STATUS = {
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "content_encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


@public
@csrf_exempt
@require_POST
def take(request: HttpRequest, kind: str) -> HttpResponse:
    """Take what a write key sent. The key is the whole of the authentication: no session, no cookie."""
    at = clock.now()
    key = WriteKey.objects.valid(at).opened_by(secret_of(request)).select_related("source").first()
    if key is None:
        return _problem("unauthorized")
    try:
        outcome = take_messages(body=text_of(request), kind=kind, key=key, at=at)
    except (BodyRefused, UnusableBody) as refused:
        return _problem(refused.code)
    transaction.on_commit(tasks.wake_sweep, robust=True)
    if kind != BATCH and outcome.rejected:
        return _problem(outcome.rejected[0]["reason"])
    answer: dict[str, Any] = {"success": True}
    if kind == BATCH:
        answer |= {
            "accepted": outcome.accepted, "duplicates": outcome.duplicates, "parked": outcome.parked,
            "rejected": outcome.rejected,
        }  # fmt: skip
    return JsonResponse(answer)


def _problem(code: str) -> HttpResponse:
    """RFC 9457 problem details, with the two members Segment's own clients print."""
    status = _STATUS.get(code, HTTPStatus.BAD_REQUEST)
    body = {"type": "about:blank", "title": status.phrase, "status": status, "code": code, "message": status.phrase}
    response = JsonResponse(body, status=status, content_type="application/problem+json")
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Basic realm="write key"'
    return response
