"""What the demo members do on their visits: the events that the shipped tags read, by a temper of each member's own."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from members.tags.models import Tag

Deed = tuple[str, datetime, dict[str, Any]]

CATEGORIES = ["Fitness", "Cooking", "Travel", "Finance", "Parenting", "Music"]
FEATURES = ["export", "offline", "hd_video", "ad_free", "cloud_backup"]
VALUES_ZH = {
    "Fitness": "健身", "Cooking": "烹饪", "Travel": "旅行", "Finance": "理财", "Parenting": "育儿", "Music": "音乐",
    "export": "导出", "offline": "离线下载", "hd_video": "高清视频", "ad_free": "免广告", "cloud_backup": "云备份",
}  # fmt: skip
DEVICES = ["ios", "android", "web"]
# What leads to a first payment: the event, how often it is that, and the properties it has.
PATHS = [("content_viewed", 4), ("gate_viewed", 3), ("task_completed", 2), ("referral", 1)]


def name_values() -> None:
    """Chinese names for the tags that the values of categories and features became."""
    for value, name_zh in VALUES_ZH.items():
        Tag.objects.filter(upkeep=Tag.Upkeep.VALUE, name=value).update(name_zh=name_zh)


@dataclass(frozen=True)
class Temper:
    """How one member behaves, the same on every visit."""

    devices: Sequence[str]
    category: str
    feature: str
    looks: float
    uses: float
    coupons: float
    redeems: float
    tasks: float
    finishes: float
    hesitates: float

    @classmethod
    def drawn(cls, draw: random.Random) -> "Temper":
        pick = draw.choice
        return cls(
            devices=draw.sample(DEVICES, pick([1, 1, 1, 2, 3])), category=pick(CATEGORIES), feature=pick(FEATURES),
            looks=pick([0, 0.2, 0.5]), uses=pick([0, 0.3, 0.8]), coupons=pick([0, 0.1, 0.3]), redeems=pick([0, 0.5, 1]),
            tasks=pick([0, 0, 0.3]), finishes=pick([0, 0.7]), hesitates=pick([0, 0, 0, 0.5]),
        )  # fmt: skip


def deeds(draw: random.Random, visits: Sequence[datetime], first_paid_at: datetime | None) -> Iterator[Deed]:
    """What a member with these visits does, in no order; minutes after she comes, so that no day becomes active."""
    temper = Temper.drawn(draw)
    for visit in visits:
        for minute, (name, properties) in enumerate(_on_a_visit(draw, temper)):
            yield name, visit + timedelta(minutes=minute), properties
    if first_paid_at and draw.random() < 0.7:
        names, weights = zip(*PATHS, strict=True)
        path = draw.choices(names, weights)[0]
        yield path, first_paid_at - timedelta(minutes=30), {"category": temper.category, "feature": temper.feature}
        yield "checkout_paid", first_paid_at, {}


def _on_a_visit(draw: random.Random, temper: Temper) -> Iterator[tuple[str, dict[str, Any]]]:
    def happens(chance: float) -> bool:
        return draw.random() < chance

    feature = {"feature": temper.feature}
    yield "login", {"device": draw.choice(temper.devices)}
    if happens(0.5):
        yield "content_viewed", {"category": temper.category if happens(0.8) else draw.choice(CATEGORIES)}
    if happens(temper.looks):
        yield draw.choice(["benefit_viewed", "gate_viewed"]), feature
    if happens(temper.uses):
        yield "benefit_used", feature
    if happens(temper.coupons):
        yield "coupon_claimed", {}
        if happens(temper.redeems):
            yield "coupon_used", {}
    if happens(temper.tasks):
        yield "task_started", {}
        if happens(temper.finishes):
            yield "task_completed", {}
    if happens(temper.hesitates):
        yield "plan_viewed", {}
        if happens(0.3):
            yield "checkout_started", {}
