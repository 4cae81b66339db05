"""Demo data: a seeded base of members whose lives are told through the public operations only.

No state is written here: every member's state is what the engine makes of her terms and activity.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from config.demo.deeds import Deed, deeds, name_values
from config.demo.honours import make_honours
from config.demo.ladder import make_ladder, use_benefits
from config.demo.offers import make_offers
from config.demo.seats import make_seats
from config.engine.money import project_currency
from config.staff.models import User
from entitlements.grants.operations.settling import adopt_members, settle_due
from entitlements.insight.operations.counting import count_figures
from entitlements.tiers.operations import assessing, policies
from entitlements.tiers.operations.policies import Asked
from members.events.models import EventDefinition, Source
from members.events.operations import recording
from members.lifecycle.operations import sweep
from members.people.models import Member
from members.people.operations import people
from members.plans.models import Plan, Tier
from members.segments.models import Segment
from members.segments.operations.refreshing import refresh_segment
from members.segments.operations.saving import save_segment
from members.segments.schema import read_rule
from members.tags.operations import refreshing
from members.terms.operations import terms
from members.value.models import TierCost
from members.value.operations.refreshing import refresh_now

HISTORY_DAYS = 420
CHUNK = 250
# Benefits are looked at on these days before now, so that who left since has lost some, and what she had is kept.
SETTLED_DAYS_AGO = (180, 120, 75, 45, 20, 6)

TIERS = [("standard", "Standard", "标准", 1), ("silver", "Silver", "银卡", 2), ("gold", "Gold", "金卡", 3),
         ("black", "Black", "黑卡", 4)]  # fmt: skip
# What earns a tier in half a year, beside what a plan gives: cents and days.
LADDER: list[tuple[str, str, dict[str, int]]] = [
    ("silver", "all", {"spend": 20_000}),
    ("gold", "any", {"spend": 60_000, "active_days": 60}),
    ("black", "all", {"spend": 120_000}),
]
# What a member of a tier costs a month, in cents.
COSTS = {"standard": 800, "silver": 1_200, "gold": 1_800, "black": 2_600}
PLANS: list[dict[str, Any]] = [
    {"code": "standard-month", "name": "Standard monthly", "name_zh": "标准月卡", "tier": "standard",
     "price_cents": 2500, "trial_days": 7},
    {"code": "silver-quarter", "name": "Silver quarterly", "name_zh": "银卡季卡", "tier": "silver",
     "duration_count": 3, "price_cents": 8800, "trial_days": 7},
    {"code": "gold-year", "name": "Gold yearly", "name_zh": "金卡年卡", "tier": "gold", "duration_unit": "year",
     "price_cents": 26800},
    {"code": "standard-week", "name": "Standard weekly", "name_zh": "标准周卡", "tier": "standard",
     "duration_unit": "week", "price_cents": 900},
]  # fmt: skip

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰婷宁欣雨晨浩宇轩梓涵思琪佳怡子墨一诺"
CITIES = ["北京", "上海", "广州", "深圳", "杭州", "成都", "武汉", "西安", "南京", "重庆"]
# Names of firms, which read the same in every language.
CHANNELS = ["App Store", "WeChat", "Douyin", "Baidu", "Tmall", "RED"]
EVENTS = [
    ("app_opened", "Opened the app", "打开应用"),
    ("video_played", "Played a video", "播放视频"),
    ("item_viewed", "Viewed an item", "浏览商品"),
    ("report_exported", "Exported a report", "导出报告"),
]
ORDERED = ("order_paid", "Paid an order", "支付订单")

_LATELY = {"op": "within_last", "amount": 30, "unit": "days"}
_OFTEN = {"kind": "event.days", "event": "app_opened", "window": _LATELY, "test": {"op": "gte", "value": 2}}
_EXPIRING = {"kind": "lifecycle.state", "values": ["expiring"]}
_SILENT = {"kind": "event.last", "event": "app_opened", "when": {"op": "more_than_ago", "amount": 15, "unit": "days"}}
# Name in both languages, what it is for, the conditions, the exceptions.
SEGMENTS: list[tuple[str, str, str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    ("Expiring, frequent users", "临期高频", "Remind them of what they use", [_EXPIRING, _OFTEN], []),
    ("Expiring, silent", "临期沉默", "Win them back before the term ends", [_EXPIRING], [_OFTEN]),
    ("New, not activated", "新客未激活", "Show them the core benefits", [
        {"kind": "lifecycle.state", "values": ["trial", "first_paid"]},
        {"kind": "membership.first_term", "when": {"op": "within_last", "amount": 30, "unit": "days"}},
    ], [{"kind": "event.count", "event": "report_exported", "window": _LATELY, "test": {"op": "gte", "value": 1}}]),
    ("High value, silent", "高价值沉默", "Call them", [{"kind": "membership.tier", "values": ["gold"]}, _SILENT], []),
    ("Left, once loyal", "流失老会员", "Recall with an offer", [
        {"kind": "lifecycle.state", "values": ["expired", "churned"]},
        {"kind": "membership.renewals", "test": {"op": "gte", "value": 1}},
    ], []),
]  # fmt: skip


@dataclass(frozen=True)
class Buy:
    """One purchase."""

    plan: Plan
    at: datetime
    extra: dict[str, Any]

    def __call__(self, member: int) -> object:
        return terms.purchase(member_id=member, plan=self.plan, at=self.at, actor=None, **self.extra)


@dataclass
class Life:
    """One member's plan of facts: when she joins, what she buys, and the days on which she is active."""

    joins_at: datetime
    facts: list[Callable[[int], object]] = field(default_factory=list)
    active_at: list[datetime] = field(default_factory=list)
    orders: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def first_paid_at(self) -> datetime | None:
        return min((fact.at for fact in self.facts if isinstance(fact, Buy)), default=None)


def accounts(password: str) -> list[User]:
    """The four demo accounts, one a role; existing ones keep their password."""
    made = []
    for role in ("viewer", "operator", "approver", "admin"):
        user, is_new = _account(role)
        if is_new:
            user.set_password(password)
            user.save(update_fields=["password"])
        made.append(user)
    return made


def _account(role: str) -> tuple[User, bool]:
    return User.objects.get_or_create(
        username=role, defaults={"role": role, "is_staff": role == "admin", "email": f"{role}@example.com"}
    )


def catalogue() -> dict[str, Plan]:
    """The demo tiers and plans, by code, and the words for the demo events."""
    for name, label, zh in EVENTS:
        EventDefinition.objects.get_or_create(name=name, defaults={"label": label, "label_zh": zh})
    name, label, zh = ORDERED
    EventDefinition.objects.get_or_create(name=name, defaults={"label": label, "label_zh": zh, "carries_money": True})
    tiers = {
        code: Tier.objects.get_or_create(code=code, defaults={"name": name, "name_zh": zh, "position": position})[0]
        for code, name, zh, position in TIERS
    }
    for code, cents in COSTS.items():
        TierCost.objects.get_or_create(tier=tiers[code], defaults={"monthly_cents": cents})
    return {
        p["code"]: Plan.objects.get_or_create(
            code=p["code"], defaults={**p, "tier": tiers[p["tier"]], "currency": project_currency()}
        )[0]
        for p in PLANS
    }


def populate(
    *, count: int, at: datetime, seed: int = 20_26, progress: Callable[[int], None] = lambda done: None
) -> None:
    """Create ``count`` members with up to 420 days of history before ``at`` and let the engine judge them.

    The facts are all or nothing, so that a demo killed half-way is made anew at the next start. What is made of them
    comes after: the sweep writes the same rows again and again, and versions that no other process can see yet are
    never cleaned away. Killed there, the beat goes on with it.
    """
    with transaction.atomic():
        _tell(random.Random(seed), count, at, progress)  # noqa: S311 - invented lives, no secret
    _take_statistics()
    sweep.sweep(at=at)
    _assess_tiers(at)
    for days in SETTLED_DAYS_AGO:
        adopt_members(at=at - timedelta(days=days))
        settle_due(at=at - timedelta(days=days))
    use_benefits(at=at)
    refreshing.refresh_due(at=at)
    name_values()
    refresh_now(at=at)
    for segment in Segment.objects.all():
        refresh_segment(segment_id=segment.pk, at=at)
    make_offers(at=at)
    make_seats(at=at)
    sweep.sweep(at=at)
    settle_due(at=at)
    make_honours(at=at)
    count_figures(at=at)


def _tell(draw: random.Random, count: int, at: datetime, progress: Callable[[int], None]) -> None:
    plans = catalogue()
    make_ladder(at=at)
    source, _ = Source.objects.get_or_create(code="demo-app", defaults={"name": "App"})
    recording.note_arrival(source=source, at=at - timedelta(days=HISTORY_DAYS), last_at=at)
    activity: list[dict[str, Any]] = []
    with sweep.judged_later():
        for start in range(0, count, CHUNK):
            for serial in range(start, min(start + CHUNK, count)):
                activity += _live(_shopping(_life(draw, plans, at), draw, at), serial, draw)
            # At each doubling, that the plans grow with the tables.
            if (start // CHUNK + 1).bit_count() == 1:
                _take_statistics()
            progress(min(start + CHUNK, count))
        for batch in _in_order(activity):
            recording.record_events(rows=batch, source=source, at=batch[-1]["occurred_at"])
    _segments(at)


def _assess_tiers(at: datetime) -> None:
    """Put the ladder in force as two people would, long ago, and judge everybody by it every two months until now."""
    since = at - timedelta(days=HISTORY_DAYS)
    tiers = dict(Tier.objects.values_list("code", "pk"))
    (proposer, _), (approver, _) = _account("operator"), _account("approver")
    draft = policies.REVIEW.propose(
        actor=proposer, at=since, note="等级按消费累计获得 · Tiers are earned by what members spend",
        downgrade="one_step", period="rolling", period_months=6,
        rungs=[Asked(tiers[code], joined_by, own) for code, joined_by, own in LADDER],
    )  # fmt: skip
    policies.REVIEW.look_ahead(draft.pk, at=since)
    policies.REVIEW.submit(draft.pk, actor=proposer, at=since)
    policies.REVIEW.approve(draft.pk, actor=approver, at=since)
    assessing.assess(at=since)
    everybody = list(Member.objects.order_by("pk").values_list("pk", flat=True))
    for days in range(HISTORY_DAYS - 60, -1, -60):
        assessing.catch_up(member_ids=everybody, at=at - timedelta(days=days))


def _take_statistics() -> None:
    """Tell the planner of the new rows at once; until it is told, it takes every table for empty."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _segments(at: datetime) -> None:
    """The segments an operator would begin with."""
    for name, name_zh, description, taken, left_out in SEGMENTS:
        items = [*taken, {"kind": "not", "items": left_out}] if left_out else taken
        rule = read_rule({"version": 1, "root": {"kind": "all", "items": items}})
        save_segment(rule=rule, actor=None, at=at, name=name, name_zh=name_zh, description=description)


def _live(life: Life, serial: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    name = draw.choice(SURNAMES) + "".join(draw.sample(GIVEN, draw.choice([1, 2, 2])))
    identities = {"external_id": f"D{100_000 + serial}", "phone": f"1380{serial:07d}"}
    if draw.random() < 0.85:
        identities["email"] = f"member{serial}@example.com"
    member = people.create_member(
        actor=None, at=life.joins_at, display_name=name, identities=identities, is_demo=True,
        city=draw.choice(CITIES), channel=draw.choice(CHANNELS), registered_at=life.joins_at,
        language=draw.choice(["zh-hans", "zh-hans", "zh-hans", "en"]),
    )  # fmt: skip
    for fact in life.facts:
        fact(member.pk)
    visits: list[Deed] = [(draw.choice(EVENTS)[0], moment, {}) for moment in sorted(life.active_at)]
    # By a generator of her own, so that the lives stay as they are whatever is done in them.
    own = random.Random(f"deeds-{serial}")  # noqa: S311 - invented lives, no secret
    for n, (name, moment, properties) in enumerate([*visits, *deeds(own, life.active_at, life.first_paid_at)]):
        yield {
            "member_id": member.pk, "name": name, "occurred_at": moment, "message_id": f"demo-{serial}-{n}",
            "properties": properties,
        }  # fmt: skip
    for n, (moment, cents) in enumerate(life.orders):
        yield {
            "member_id": member.pk, "name": ORDERED[0], "occurred_at": moment, "message_id": f"demo-{serial}-o{n}",
            "value_cents": cents, "currency": project_currency(),
        }  # fmt: skip


def _in_order(rows: list[dict[str, Any]], size: int = 5_000) -> Iterator[list[dict[str, Any]]]:
    rows.sort(key=lambda row: row["occurred_at"])
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _life(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    """A life drawn from these kinds, weighted so that every state and the coming days' expiries are well filled."""
    kinds: list[tuple[int, Callable[[random.Random, dict[str, Plan], datetime], Life]]] = [
        (14, _looks_around), (10, _tries), (26, _pays_a_while), (14, _pays_yearly), (12, _ends_soon),
        (12, _left), (5, _is_given), (4, _takes_it_back), (3, _comes_back), (5, _climbs),
    ]  # fmt: skip
    return draw.choices([kind for _, kind in kinds], weights=[w for w, _ in kinds])[0](draw, plans, at)


def _ago(draw: random.Random, at: datetime, low: float, high: float) -> datetime:
    return at - timedelta(days=draw.uniform(low, high))


def _buy(plan: Plan, when: datetime, **extra: Any) -> Callable[[int], object]:
    return Buy(plan, when, extra)


def _visits(draw: random.Random, since: datetime, until: datetime, per_week: float) -> list[datetime]:
    days = max((until - since).days, 0)
    # Only the last months decide anything; older visits would only fill tables.
    return [
        until - timedelta(days=day, hours=draw.uniform(0, 20))
        for day in range(min(days, 75))
        if draw.random() < per_week / 7 and until - timedelta(days=day, hours=20) > since
    ]


def _shopping(life: Life, draw: random.Random, at: datetime) -> Life:
    """Orders beside the membership: how often, how large and until when are drawn apart, so every value group fills."""
    if draw.random() < 0.7:
        until = draw.choice([at, at, at - timedelta(days=draw.uniform(40, 150))])
        days = (until - life.joins_at).total_seconds() / 86_400
        cents, number = draw.choice([900, 3_000, 24_000]), draw.choice([1, 1, 2, 6, 12])
        if days > 1:
            life.orders = [
                (until - timedelta(days=draw.uniform(0, days)), round(cents * draw.uniform(0.6, 1.6)))
                for _ in range(number)
            ]
    return life


def _looks_around(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    joins = _ago(draw, at, 1, 200)
    return Life(joins, [], _visits(draw, joins, at, 0.3))


def _tries(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    joins = _ago(draw, at, 0.1, 45)
    plan = plans["standard-month"]
    started = joins + timedelta(minutes=30)
    facts: list[Callable[[int], object]] = [
        lambda member: terms.start_trial(member_id=member, plan=plan, at=started, actor=None)
    ]
    pays = started + timedelta(days=draw.uniform(1, 6))
    if draw.random() < 0.35 and pays < at:
        facts.append(_buy(plan, pays, auto_renewal=draw.random() < 0.5))
    return Life(joins, facts, _visits(draw, joins, min(at, joins + timedelta(days=20)), draw.choice([1, 3, 6])))


def _pays_a_while(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    plan = plans[draw.choice(["standard-month", "silver-quarter", "silver-quarter"])]
    months = plan.duration_count
    terms_paid = draw.randint(1, 4)
    first = at - timedelta(days=30.4 * months * terms_paid - draw.uniform(1, 30.4 * months - 1))
    auto = draw.random() < 0.55
    facts = [_buy(plan, first, auto_renewal=auto)]
    facts += [_buy(plan, first + timedelta(days=30.4 * months * n - 2)) for n in range(1, terms_paid)]
    return Life(first - timedelta(days=1), facts, _visits(draw, first, at, draw.choice([0.2, 1.5, 3, 5])))


def _pays_yearly(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    first = _ago(draw, at, 5, 360)
    facts = [_buy(plans["gold-year"], first, auto_renewal=draw.random() < 0.6)]
    return Life(first - timedelta(hours=3), facts, _visits(draw, first, at, draw.choice([0.1, 1.2, 2.5, 4])))


def _ends_soon(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    plan = plans[draw.choice(["standard-month", "standard-month", "gold-year"])]
    length = 365 if plan.code == "gold-year" else 30
    first = at - timedelta(days=length - draw.uniform(-3, 12))
    return Life(first - timedelta(hours=1), [_buy(plan, first)], _visits(draw, first, at, draw.choice([0.5, 2, 4])))


def _left(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    first = _ago(draw, at, 70, HISTORY_DAYS)
    plan = plans["standard-month"]
    facts = [_buy(plan, first)]
    if draw.random() < 0.5:
        facts.append(_buy(plan, first + timedelta(days=28)))
    return Life(first - timedelta(days=2), facts, _visits(draw, first, first + timedelta(days=25), 2))


def _is_given(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    joins = _ago(draw, at, 2, 80)
    plan = plans["silver-quarter"]

    def give(member: int) -> object:
        return terms.give_term(member_id=member, plan=plan, at=joins + timedelta(hours=2), actor=None)

    return Life(joins, [give], _visits(draw, joins, at, 1))


def _takes_it_back(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    joins = _ago(draw, at, 4, 90)

    def buy_and_refund(member: int) -> None:
        term = terms.purchase(member_id=member, plan=plans["gold-year"], at=joins + timedelta(hours=1), actor=None)
        terms.refund_term(term_id=term.pk, at=joins + timedelta(days=3), actor=None, reason="Not what was expected")

    return Life(joins, [buy_and_refund], _visits(draw, joins, joins + timedelta(days=3), 3))


def _comes_back(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    first = _ago(draw, at, 150, 300)
    plan = plans["standard-month"]
    again = _ago(draw, at, 1, 29)
    return Life(first - timedelta(days=1), [_buy(plan, first), _buy(plan, again)], _visits(draw, again, at, 3))


def _climbs(draw: random.Random, plans: dict[str, Plan], at: datetime) -> Life:
    """Buys the higher tier over what runs, which waits; some get money back for it, or days for an outage."""
    joins = _ago(draw, at, 15, 70)
    climbs = joins + timedelta(days=draw.uniform(2, 10))
    what_then = draw.choice(["nothing", "part back", "all back", "compensated", "gift behind"])

    def climb(member: int) -> None:
        higher = terms.purchase(member_id=member, plan=plans["gold-year"], at=climbs, actor=None)
        then = climbs + timedelta(days=2)
        if what_then in ("part back", "all back"):
            cents = higher.price_cents // 4 if what_then == "part back" else None
            reason = "Not what was expected"
            terms.refund_term(term_id=higher.pk, at=then, actor=None, reason=reason, amount_cents=cents)
        elif what_then == "compensated":
            terms.compensate(member_id=member, days=7, at=then, actor=None, reason="Outage")
        elif what_then == "gift behind":
            terms.give_term(member_id=member, plan=plans["silver-quarter"], at=then, actor=None)

    facts = [_buy(plans["silver-quarter"], joins + timedelta(hours=1)), climb]
    return Life(joins, facts, _visits(draw, joins, at, draw.choice([1, 3])))
