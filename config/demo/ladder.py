"""The demo's benefits: what each tier gives, two packs, and how the demo members have used them."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce, Least

from entitlements.benefits.models import Benefit, LadderVersion, Pack, PackBenefit, PlanBenefit, TierBenefit
from entitlements.grants.operations import settling
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.recording import record_usage
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm

USAGE_DAYS = 180
BATCH = 5_000
_FUNCTIONAL, _INTEREST, _EMOTIONAL = Benefit.Category.values
_MONTHS = {"month": 1, "quarter": 3, "year": 12}

BENEFITS: list[dict[str, Any]] = [
    {"code": "ad_free", "name": "No advertisements", "name_zh": "去广告", "kind": "access", "category": _FUNCTIONAL,
     "is_core": True, "worth_cents": 20},
    {"code": "video_4k", "name": "4K picture", "name_zh": "4K 画质", "kind": "access", "category": _FUNCTIONAL,
     "levels": ["720p", "1080p", "4K"], "is_core": True, "worth_cents": 50, "cost_cents": 8, "when_denied": "preview",
     "preview_limit": 30},
    {"code": "devices", "name": "Devices at once", "name_zh": "同时观看设备", "kind": "access", "unit": "devices",
     "unit_zh": "台", "levels": ["1", "2", "3", "4", "6"], "category": _FUNCTIONAL},
    {"code": "offline", "name": "Offline downloads", "name_zh": "离线下载", "kind": "quota", "unit": "episodes",
     "unit_zh": "集", "category": _FUNCTIONAL, "is_core": True, "worth_cents": 40, "cost_cents": 5},
    {"code": "album", "name": "Cloud album", "name_zh": "云相册", "kind": "quota", "unit": "GB", "unit_zh": "GB",
     "category": _FUNCTIONAL, "is_hard_limit": False, "is_by_calendar": False, "rollover_max": 20, "worth_cents": 30,
     "cost_cents": 12},
    {"code": "batch_download", "name": "Download a whole season", "name_zh": "整季下载", "kind": "access",
     "category": _FUNCTIONAL, "unlocked_after": 3, "worth_cents": 60, "cost_cents": 10},
    {"code": "ai_export", "name": "AI export", "name_zh": "AI 导出", "kind": "quota", "unit": "exports",
     "unit_zh": "次", "category": _FUNCTIONAL, "worth_cents": 150, "cost_cents": 60,
     "hint_open": "{benefit} is for members, and yours is on.", "hint_open_zh": "本功能为会员专享，已为你激活",
     "hint_upgrade": "{benefit} needs {tier}.", "hint_upgrade_zh": "使用{benefit}需升级至{tier}"},
    {"code": "premiere", "name": "Premiere vouchers", "name_zh": "点映券", "kind": "quota", "unit": "vouchers",
     "unit_zh": "张", "period": "quarter", "category": _INTEREST, "is_core": True, "worth_cents": 3_500,
     "cost_cents": 2_000},
    {"code": "cinema_voucher", "name": "Cinema voucher ¥20", "name_zh": "影院代金券 ¥20", "kind": "quota",
     "unit": "vouchers", "unit_zh": "张", "period": "year", "category": _INTEREST, "worth_cents": 2_000,
     "cost_cents": 1_600},
    {"code": "member_price", "name": "Member price", "name_zh": "会员价", "kind": "access", "category": _INTEREST,
     "unit": "of the price", "unit_zh": "折", "levels": ["0.95", "0.9", "0.88", "0.85", "0.8"], "worth_cents": 320,
     "cost_cents": 180, "when_denied": "hidden_price"},
    {"code": "adviser", "name": "Dedicated adviser", "name_zh": "专属客服", "kind": "access", "category": _EMOTIONAL,
     "cost_cents": 900},
    {"code": "birthday_gift", "name": "Birthday gift", "name_zh": "生日礼", "kind": "quota", "unit": "gifts",
     "unit_zh": "份", "period": "year", "category": _EMOTIONAL, "worth_cents": 5_000, "cost_cents": 3_000},
    {"code": "frame", "name": "Avatar frame", "name_zh": "头像框", "kind": "access", "category": _EMOTIONAL},
    {"code": "answered", "name": "Answered first", "name_zh": "优先应答", "kind": "access", "category": _EMOTIONAL,
     "unit": "minutes", "unit_zh": "分钟", "levels": ["240", "120", "60", "10"], "cost_cents": 30},
    {"code": "badge", "name": "Badge", "name_zh": "身份徽章", "kind": "access", "category": _EMOTIONAL},
]  # fmt: skip

# Of the free tier, standard, silver, gold and black: an amount, a level, True for access alone, None for nothing.
CELLS: dict[str, list[Any]] = {
    "ad_free": [None, True, True, True, True],
    "video_4k": [None, None, "4K", "4K", "4K"],
    "devices": ["1", "2", "3", "4", "6"],
    "offline": [None, 20, 40, 60, True],
    "album": [2, 20, 100, 200, 1_000],
    "batch_download": [None, True, True, True, True],
    "ai_export": [None, None, None, 10, 30],
    "premiere": [None, None, 1, 3, 8],
    "cinema_voucher": [None, None, 1, 2, 4],
    "member_price": ["0.95", "0.9", "0.88", "0.85", "0.8"],
    "adviser": [None, None, None, True, True],
    "birthday_gift": [None, None, 1, 1, 1],
    "frame": [None, None, None, None, True],
    "answered": [None, "240", "120", "60", "10"],
    "badge": [None, True, True, True, True],
}

# Code, names, light, price in cents, days, and (benefit, amount, anew in each usage period).
PACKS: list[tuple[str, str, str, bool, int, int, list[tuple[str, int, bool]]]] = [
    ("commute", "Commuter pack", "通勤轻量包", True, 600, 30, [("offline", 20, True), ("album", 10, True)]),
    ("cinema", "Cinema pack", "观影包", False, 5_900, 90, [("premiere", 2, False), ("cinema_voucher", 1, False)]),
]

# How likely a member who uses benefits at all uses this one, and how much of it in a month; without a limit, times.
HABITS = {
    "ad_free": (0.9, 4), "video_4k": (0.6, 3), "devices": (0.5, 2), "offline": (0.45, 0.6), "album": (0.3, 0.8),
    "ai_export": (0.35, 0.7), "premiere": (0.25, 0.8), "cinema_voucher": (0.7, 0.9), "member_price": (0.25, 2),
    "adviser": (0.09, 1), "birthday_gift": (0.14, 1), "badge": (0.5, 2),
}  # fmt: skip


def make_ladder(*, at: datetime) -> None:
    """The benefits, the cells of the ladder in force and the packs; nothing where there are benefits already."""
    if Benefit.objects.exists():
        return
    made = {spec["code"]: Benefit.objects.create(**spec, created_at=at) for spec in BENEFITS}
    Benefit.objects.filter(code="batch_download").update(unlocked_by=made["offline"])
    ladder = LadderVersion.objects.get(status=LadderVersion.Status.ACTIVE)
    tiers = [None, *(Tier.objects.get(code=code) for code in ("standard", "silver", "gold", "black"))]
    for code, cells in CELLS.items():
        for tier, cell in zip(tiers, cells, strict=True):
            if cell is not None:
                TierBenefit.objects.create(version=ladder, tier=tier, benefit=made[code], **_allowance(cell))
    plan = Plan.objects.get(code="gold-year")
    PlanBenefit.objects.create(version=ladder, plan=plan, benefit=made["album"], amount=100)
    for code, name, name_zh, is_light, cents, days, parts in PACKS:
        pack = Pack.objects.create(
            code=code, name=name, name_zh=name_zh, is_light=is_light, price_cents=cents, days=days
        )
        for benefit, amount, recurs in parts:
            PackBenefit.objects.create(pack=pack, benefit=made[benefit], amount=amount, recurs=recurs)


def use_benefits(*, at: datetime) -> None:
    """Settle everybody and tell how the demo members used what they had over the last months."""
    while settling.adopt_members(at=at):
        settling.settle_due(at=at)
    settling.settle_due(at=at)
    batch: list[dict[str, Any]] = []
    for use in _uses(at):
        batch.append(use)
        if len(batch) == BATCH:
            record_usage(rows=batch, at=at, origin=UsageRecord.Origin.EVENT)
            batch = []
    record_usage(rows=batch, at=at, origin=UsageRecord.Origin.EVENT)
    settling.settle_due(at=at)


def _allowance(cell: Any) -> dict[str, Any]:
    if isinstance(cell, str):
        return {"level": cell}
    return {} if cell is True else {"amount": cell}


def _uses(at: datetime) -> Iterator[dict[str, Any]]:
    """The uses under every paid or given term; three in ten members never use anything."""
    benefits = {benefit.code: benefit for benefit in Benefit.objects.all()}
    positions = {code: n for n, code in enumerate(("standard", "silver", "gold"), 1)}
    terms = MembershipTerm.objects.filter(member__is_demo=True, starts_at__lt=at).not_voided()
    ended = terms.annotate(end_at=Least("ends_at", Coalesce("closed_at", F("ends_at"))), level=F("tier__code"))
    for n, term in enumerate(ended.order_by("member_id", "starts_at").iterator()):
        start, end = max(term.starts_at, at - timedelta(days=USAGE_DAYS)), min(term.end_at, at)
        # By the member's own number, so that her habits stay the same over her terms.
        temper = random.Random(f"uses-{term.member_id}")  # noqa: S311 - invented lives, no secret
        eager = temper.choice([0, 0, 0, 0.3, 0.6, 1, 1, 1, 1.6, 2.4])
        if not eager or start >= end:
            continue
        draw = random.Random(f"uses-{term.member_id}-{n}")  # noqa: S311 - invented lives, no secret
        for code, (chance, share) in HABITS.items():
            cell = CELLS[code][positions[term.level]]
            if temper.random() < chance and cell is not None:
                whole = cell / _MONTHS[benefits[code].period] if type(cell) is int else 1
                # In few and larger pieces, that the demo is made quickly.
                piece = max(1, int(whole / 8))
                for used_at, key in _moments(draw, start, end, eager * share * whole / piece):
                    yield {
                        "member_id": term.member_id, "benefit_id": benefits[code].pk, "used_at": used_at,
                        "amount": piece, "key": f"demo-{term.pk}-{code}-{key}",
                    }  # fmt: skip


def _moments(draw: random.Random, start: datetime, end: datetime, a_month: float) -> Iterator[tuple[datetime, int]]:
    """So many instants a month between the two, in no order."""
    days = (end - start).total_seconds() / 86_400
    expected = a_month * days / 30.4 * draw.uniform(0.7, 1.3)
    times = int(expected) + (draw.random() < expected % 1)
    for n in range(min(times, 400)):
        yield start + timedelta(days=draw.uniform(0, days)), n
