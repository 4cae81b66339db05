"""The OpenFeature Remote Evaluation Protocol 0.3: benefits as flags, for any OpenFeature client.

``<code>`` is the access, ``<code>.remaining`` what is left (no value where there is no limit: the program's own
default holds), ``<code>.level`` the level. See docs/benefits-api.md.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils.http import parse_etags
from django.views.decorators.http import require_POST

from config.api.bodies import object_of
from entitlements.benefits.models import Benefit
from entitlements.usage.api.access import keyed, member_named
from entitlements.usage.api.fields import external_id_of, is_storable
from entitlements.usage.gate import language_of, verdicts, verdicts_for_stranger
from entitlements.usage.rules import Verdict
from members.events.querysets.keys import OpenedKey

Flag = dict[str, Any]


class _UnusableContext(Exception):
    def __init__(self, code: str, details: str) -> None:
        self.code, self.details = code, details
        super().__init__(details)


def _refuse(code: str, status: HTTPStatus, **arguments: Any) -> HttpResponse:
    is_unread = status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return _failure("PARSE_ERROR" if is_unread else "GENERAL", code, status, **arguments)


def _failure(code: str, details: str, status: HTTPStatus, **arguments: Any) -> HttpResponse:
    named = {"key": arguments["flag"]} if "flag" in arguments else {}
    return JsonResponse(named | {"errorCode": code, "errorDetails": details}, status=status)


@require_POST
@keyed(_refuse)
def evaluate(request: HttpRequest, key: OpenedKey, at: datetime, flag: str) -> HttpResponse:
    """One flag of the member whom the context's ``targetingKey`` names."""
    try:
        context = _context(request)
    except _UnusableContext as refused:
        return _failure(refused.code, refused.details, HTTPStatus.BAD_REQUEST, flag=flag)
    code = flag.partition(".")[0] if is_storable(flag) else ""
    benefit, member_id, own_language = Benefit.objects.asked_about(external_id_of(context["targetingKey"]), code)
    language = language_of(context.get("language"), own_language)
    flags = _flags([benefit], member_id, at, language, every_part=True) if benefit else ()
    found = {each["key"]: each for each in flags}
    if flag not in found:
        return _failure("FLAG_NOT_FOUND", f"There is no flag “{flag}”.", HTTPStatus.NOT_FOUND, flag=flag)
    return JsonResponse(found[flag])


@require_POST
@keyed(_refuse)
def evaluate_all(request: HttpRequest, key: OpenedKey, at: datetime) -> HttpResponse:
    """All flags of a member; 304 where they are those the client has."""
    try:
        context = _context(request)
    except _UnusableContext as refused:
        return _failure(refused.code, refused.details, HTTPStatus.BAD_REQUEST)
    who = member_named(external_id_of(context["targetingKey"]))
    language = language_of(context.get("language"), who.language if who else "")
    benefits = list(Benefit.objects.page_after(0))
    flags = _flags(benefits, who.pk if who else None, at, language, every_part=False)
    response = JsonResponse({"flags": list(flags)})
    etag = f'"{sha256(response.content).hexdigest()[:32]}"'
    known = {known.removeprefix("W/") for known in parse_etags(request.headers.get("If-None-Match", ""))}
    if known & {etag, "*"}:
        return HttpResponseNotModified(headers={"ETag": etag})
    response["ETag"] = etag
    return response


def _context(request: HttpRequest) -> dict[str, Any]:
    context = object_of(request).get("context")
    if not isinstance(context, dict):
        raise _UnusableContext("INVALID_CONTEXT", "The body needs an object “context”.")
    who = context.get("targetingKey")
    if who is None or who == "":
        raise _UnusableContext("TARGETING_KEY_MISSING", "The context needs a “targetingKey”: the member's id.")
    if not isinstance(who, str):
        raise _UnusableContext("INVALID_CONTEXT", "The “targetingKey” has to be a text.")
    return context


def _flags(
    benefits: list[Benefit], member_id: int | None, at: datetime, language: str, *, every_part: bool
) -> Iterator[Flag]:
    """The flags of some benefits. Who is no member yet is answered as the free tier would be."""
    if member_id is None:
        answers = verdicts_for_stranger(benefits=benefits, at=at, language=language)
    else:
        answers = verdicts(member_id=member_id, benefits=benefits, at=at, language=language)
    for benefit, answer in zip(benefits, answers, strict=True):
        # The protocol's own reasons: decided for this member, or the same for everybody nobody knows.
        common = {
            "reason": "STATIC" if member_id is None else "TARGETING_MATCH", "variant": answer.verdict.value,
            "metadata": _metadata(answer),
        }  # fmt: skip
        yield {"key": benefit.code, "value": answer.access, **common}
        if benefit.has_limit or every_part:
            left = {} if answer.remaining is None else {"value": answer.remaining}
            yield {"key": f"{benefit.code}.remaining", **left, **common}
        if answer.level or every_part:
            yield {"key": f"{benefit.code}.level", "value": answer.level, **common}


def _metadata(answer: Verdict) -> dict[str, str | int | bool]:
    """The rest of the verdict; the protocol allows texts, numbers and booleans, and nothing empty is sent."""
    said = {
        "verdict": answer.verdict.value, "reason": answer.reason.value, "granted": answer.granted,
        "used": answer.used, "remaining": answer.remaining, "hint": answer.hint,
        "upgradeTarget": answer.upgrade_target, "upgradeName": answer.upgrade_name,
        "previewLimit": answer.preview_limit, "level": answer.level,
        "opensAt": answer.opens_at.isoformat() if answer.opens_at else None,
        "resetsAt": answer.resets_at.isoformat() if answer.resets_at else None,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None and value != ""}
