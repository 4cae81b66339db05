"""Benefits for programs: used, taken back, and asked about. See docs/benefits-api.md for the answers."""

from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from config.api.bodies import object_of
from config.api.problems import problem
from config.engine.money import project_currency
from config.engine.refusal import Refused
from entitlements.benefits.models import Benefit
from entitlements.usage.api.access import keyed, member_named, refuse
from entitlements.usage.api.fields import (
    amount_of,
    external_id_of,
    idempotency_key_of,
    instant_of,
    page_of,
    reason_of,
    whole_number,
)
from entitlements.usage.gate import language_of, verdict, verdicts
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations import consuming
from members.events.querysets.keys import OpenedKey

_REFUSED = {
    UsageRecord.Outcome.LIMIT_REACHED: HTTPStatus.CONFLICT,
    UsageRecord.Outcome.NO_ACCESS: HTTPStatus.FORBIDDEN,
}
_ERRORS = {
    "unknown_benefit": HTTPStatus.NOT_FOUND,
    "unknown_member": HTTPStatus.NOT_FOUND,
    "key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "amount_out_of_range": HTTPStatus.BAD_REQUEST,
    "not_a_use": HTTPStatus.CONFLICT,
}
# Of a refusal, always in this order: the same key gets the same bytes.
_TOLD = ("reason", "hint", "upgrade_target", "upgrade_name", "opens_at", "resets_at")


@require_POST
@keyed(refuse)
def consume(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str, benefit_code: str) -> HttpResponse:
    """Use a benefit."""
    body = object_of(request)
    amount, used_at = amount_of(body), instant_of(body, at)
    try:
        record = consuming.consume_named(
            external_id=external_id_of(external_id), code=benefit_code, amount=amount, at=at,
            origin=UsageRecord.Origin.API, key=idempotency_key_of(request, key.source_id), used_at=used_at,
            language=body.get("language"),
        )  # fmt: skip
    except Refused as refused:
        return problem(refused.code, _ERRORS[refused.code])
    answer = _record_answer(record, benefit_code)
    if status := _REFUSED.get(UsageRecord.Outcome(record.outcome)):
        told = record.told or {}
        response = problem(record.outcome, status, **answer, **{name: told.get(name) for name in _TOLD})
    else:
        response = JsonResponse(answer)
    if record.recorded_at != at:
        response["Idempotent-Replayed"] = "true"
    return response


@require_POST
@keyed(refuse)
def reverse(request: HttpRequest, key: OpenedKey, at: datetime, usage_id: int) -> HttpResponse:
    """Take a use back; a second time says the same."""
    reason = reason_of(object_of(request))
    try:
        record = consuming.reverse(record_id=usage_id, at=at, origin=UsageRecord.Origin.API, reason=reason)
    except UsageRecord.DoesNotExist:
        return problem("unknown_record", HTTPStatus.NOT_FOUND)
    except Refused as refused:
        return problem(refused.code, _ERRORS[refused.code])
    return JsonResponse(_record_answer(record, record.benefit.code) | {"reverses": record.reverses_id})


@require_safe
@keyed(refuse)
def check(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str, benefit_code: str) -> HttpResponse:
    """The gate's verdict about one benefit, or about ``amount`` of it."""
    benefit, member_id, own_language = Benefit.objects.asked_about(external_id_of(external_id), benefit_code)
    if member_id is None:
        return _unknown(benefit)
    language = language_of(request.GET.get("language"), own_language)
    answer = verdict(
        member_id=member_id,
        benefit=benefit,
        at=at,
        language=language,
        amount=whole_number(request, "amount", 1),
    )
    return JsonResponse(asdict(answer))


@require_safe
@keyed(refuse)
def benefits(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str) -> HttpResponse:
    """The verdicts about all benefits, a page at a time."""
    after, limit = page_of(request)
    who = member_named(external_id_of(external_id))
    if who is None:
        return problem("unknown_member", HTTPStatus.NOT_FOUND)
    found = list(Benefit.objects.page_after(after)[: limit + 1])
    page = found[:limit]
    language = language_of(request.GET.get("language"), who.language)
    answers = verdicts(member_id=who.pk, benefits=page, at=at, language=language)
    cursor = str(page[-1].pk) if len(found) > limit else None
    return JsonResponse({"benefits": [asdict(answer) for answer in answers], "next_cursor": cursor})


def _unknown(benefit: Benefit | None) -> HttpResponse:
    return problem("unknown_benefit" if benefit is None else "unknown_member", HTTPStatus.NOT_FOUND)


def _record_answer(record: UsageRecord, code: str) -> dict[str, Any]:
    """What is said of a record, from the record alone, so that it is always the same."""
    granted = record.granted_after
    return {
        "record": record.pk, "benefit": code, "outcome": record.outcome, "amount": record.amount, "at": record.at,
        "granted": granted, "used": record.used_after,
        "remaining": None if granted is None else max(granted - record.used_after, 0), "overage": record.overage,
        "overage_total": record.overage_after, "saved_cents": record.worth_cents,
        "currency": project_currency(),
    }  # fmt: skip
