"""What a member wears, for programs to draw. See docs/benefits-api.md for the answer."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.views.decorators.http import require_safe

from config.api.problems import problem
from config.engine.naming import name_of
from entitlements.grants.operations.settling import settle_members
from entitlements.honours.console.portrait import MemberHonours
from entitlements.honours.models import Adornment, HonourAward
from entitlements.usage.api.access import keyed, member_named, refuse
from entitlements.usage.api.fields import external_id_of
from entitlements.usage.gate import language_of
from entitlements.usage.querysets.gating import state_of
from members.events.querysets.keys import OpenedKey


@require_safe
@keyed(refuse)
def honours(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str) -> HttpResponse:
    """Frame, badges, titles, adviser and service target. What is out of date about the member is settled first."""
    who = member_named(external_id_of(external_id))
    if who is None:
        return problem("unknown_member", HTTPStatus.NOT_FOUND)
    if state_of(who.pk, [], at) is None:
        settle_members(member_ids=[who.pk], at=at)
    with translation.override(language_of(request.GET.get("language"), who.language)):
        return JsonResponse(_answer(MemberHonours(who.pk, at)))


def _answer(worn: MemberHonours) -> dict[str, Any]:
    adviser = worn.assignment.adviser if worn.assignment else None
    return {
        "frame": _adornment(worn.frame) if worn.frame else None,
        "badges": [_adornment(badge) for badge in worn.badges],
        "titles": [_adornment(title) for title in worn.titles],
        "honours": [_award(award) for award in worn.awards],
        "may_have_adviser": worn.has_adviser_benefit,
        "adviser": {"name": adviser.shown_name} if adviser else None,
        "answer_minutes": worn.answer_minutes,
    }


def _adornment(worn: Adornment) -> dict[str, Any]:
    return {"benefit": worn.benefit.code, "name": name_of(worn), "style": worn.style}


def _award(award: HonourAward) -> dict[str, Any]:
    honour, run = award.run.honour, award.run
    return {
        "honour": honour.code, "name": name_of(honour), "style": honour.style, "year": run.year, "rank": award.rank,
        "worn_until": run.worn_until,
    }  # fmt: skip
