"""Partner codes for programs: what pools there are for a member, and her code of one. See docs/benefits-api.md."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.views.decorators.http import require_POST, require_safe

from config.api.problems import problem
from config.engine.money import project_currency
from config.engine.naming import name_of
from config.engine.refusal import Refused
from entitlements.codes.models import CodePool, PartnerCode
from entitlements.codes.operations import pools
from entitlements.usage.api.access import keyed, member_named, refuse
from entitlements.usage.api.fields import external_id_of
from entitlements.usage.gate import language_of
from members.events.querysets.keys import OpenedKey
from members.people.models import Member


@require_safe
@keyed(refuse)
def partner_codes(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str) -> HttpResponse:
    """The pools that hand out codes now and those she has a code of, the newest first."""
    who = member_named(external_id_of(external_id))
    if who is None:
        return problem("unknown_member", HTTPStatus.NOT_FOUND)
    own = {code.pool_id: code for code in PartnerCode.objects.filter(member=who)}
    with _spoken(request, who):
        return JsonResponse({"pools": [_told(pool, own.get(pool.pk)) for pool in CodePool.objects.offered(list(own))]})


@require_POST
@keyed(refuse)
def claim(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str, pool_code: str) -> HttpResponse:
    """Her code of a pool: the one she has, or the next one; asked again, the same."""
    who = member_named(external_id_of(external_id))
    if who is None:
        return problem("unknown_member", HTTPStatus.NOT_FOUND)
    pool = CodePool.objects.filter(code=pool_code).first()
    if pool is None:
        return problem("unknown_pool", HTTPStatus.NOT_FOUND)
    try:
        claimed = pools.claim_code(pool_id=pool.pk, member_id=who.pk, actor=None, at=at)
    except Refused as refused:
        return problem(f"pool_{refused.code}", HTTPStatus.CONFLICT)
    with _spoken(request, who):
        return JsonResponse(_told(pool, claimed))


def _spoken(request: HttpRequest, who: Member) -> Any:
    return translation.override(language_of(request.GET.get("language"), who.language))


def _told(pool: CodePool, claimed: PartnerCode | None) -> dict[str, Any]:
    return {
        "pool": pool.code, "partner": pool.partner, "name": name_of(pool), "worth_cents": pool.worth_cents,
        "currency": project_currency(), "is_open": pool.is_open, "code": claimed.code if claimed else None,
        "claimed_at": claimed.claimed_at if claimed else None,
    }  # fmt: skip
