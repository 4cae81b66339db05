"""The tags an installation begins with and the events they read. Rows to edit, not code to change.

The rules are those of segments; docs/tags.md says in words what each tag means and what the events are.
"""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
# Whose name reads as if the churn model gave it.
CHURN = "high_churn_risk"

# (name, English label, Chinese label, carries money, consumes a benefit)
EVENTS = [
    ("login", "Signed in", "登录", False, False),
    ("content_viewed", "Viewed content", "浏览内容", False, False),
    ("benefit_viewed", "Looked at a benefit", "查看权益", False, False),
    ("gate_viewed", "Saw a feature's gate", "看到功能门槛", False, False),
    ("benefit_used", "Used a benefit", "使用权益", False, True),
    ("coupon_claimed", "Claimed a coupon", "领取优惠券", False, False),
    ("coupon_used", "Used a coupon", "核销优惠券", False, False),
    ("task_started", "Started a task", "开始任务", False, False),
    ("task_completed", "Finished a task", "完成任务", False, False),
    ("plan_viewed", "Looked at the plans", "查看会员方案", False, False),
    ("checkout_started", "Began to pay", "发起支付", False, False),
    ("checkout_paid", "Paid", "支付成功", True, False),
    ("referral", "Came by an invitation", "受邀加入", False, False),
]


@dataclass(frozen=True)
class Default:
    """One tag to begin with: a rule, a generator, or neither for what the lifecycle engine gives."""

    code: str
    kind: str
    name: str
    name_zh: str
    tone: str = ""
    rule: Json | None = None
    generator: Json | None = None
    action: str = ""
    action_zh: str = ""

    @property
    def upkeep(self) -> str:
        return "rule" if self.rule else "values" if self.generator else "engine"


def _rule(*items: Json, kind: str = "all") -> Json:
    return {"version": 1, "root": {"kind": kind, "items": list(items)}}


def _group(kind: str, *items: Json) -> Json:
    return {"kind": kind, "items": list(items)}


def _days(days: int) -> Json:
    return {"op": "within_last", "amount": days, "unit": "days"}


def _times(event: str, op: str, value: int, days: int, **extra: Any) -> Json:
    return {"kind": "event.count", "event": event, "test": _number(op, value), "window": _days(days), **extra}


def _number(op: str, value: int) -> Json:
    return {"type": "number", "op": op, "value": str(value)}


def _never(event: str, window: Json) -> Json:
    return {"kind": "event.never", "event": event, "window": window}


def _status(*values: str) -> Json:
    return {"kind": "membership.status", "op": "is", "values": list(values)}


def _state(*values: str) -> Json:
    return {"kind": "lifecycle.state", "op": "is", "values": list(values)}


def _on_days(event: str, op: str, value: int, days: int) -> Json:
    return {"kind": "event.days", "event": event, "test": _number(op, value), "window": _days(days)}


def _paid_after(event: str) -> Json:
    """Paid within a day after the event."""
    return _rule(
        {
            "kind": "event.sequence",
            "first": {"event": event},
            "then": {"event": "checkout_paid"},
            "within": {"amount": 1, "unit": "days"},
            "window": {"op": "ever"},
        }
    )


_LONG_ENOUGH = {"kind": "membership.first_term", "when": {"op": "more_than_ago", "amount": 15, "unit": "days"}}

STATUS = [
    Default("in_trial", "status", "In trial", "试用中", "run", _rule(_status("trialing"))),
    Default("full_member", "status", "Full member", "正式会员", "good", _rule(_status("active"))),
    Default("ending_soon", "status", "Ending soon", "即将到期", "warn", _rule(_state("expiring"))),
    Default("lapsed", "status", "Lapsed", "已过期", "bad", _rule(_status("expired"))),
    Default("tier_held", "status", "Tier held after expiry", "降级保留中", "warn", _rule(_status("grace"))),
    Default("returned", "status", "Returned", "回归会员", "good"),
    Default("gifted", "status", "Gifted", "获赠会员"),
    Default("low_use", "status", "Low use", "低频使用", "warn"),
]

BEHAVIOUR = [
    Default(
        "high_frequency", "behaviour", "High-frequency user", "高频使用者", "good",
        _rule(_on_days("login", "gte", 8, 30)),
    ),
    Default(
        "low_activity", "behaviour", "Rarely active", "低活跃", "warn",
        _rule(_status("trialing", "active"), _LONG_ENOUGH, _on_days("login", "lte", 2, 30)),
    ),
    Default(
        "high_redemption", "behaviour", "Uses most coupons", "高核销率", "good",
        _rule(
            _times("coupon_claimed", "gte", 2, 90),
            {
                "kind": "event.ratio", "event": "coupon_used", "of": "coupon_claimed",
                "test": _number("gte", 60), "window": _days(90),
            },
        ),
    ),
    Default(
        "multi_device", "behaviour", "Several devices", "多设备使用", "",
        _rule(
            {
                "kind": "event.values", "event": "login", "name": "device", "test": _number("gte", 2),
                "window": _days(30),
            }
        ),
    ),
    Default(
        CHURN, "behaviour", "High churn risk", "高流失风险", "bad",
        _rule(
            _status("trialing", "active"),
            _group(
                "any",
                _group("all", _LONG_ENOUGH, _never("login", _days(15))),
                _group("all", _times("coupon_claimed", "gte", 1, 30), _never("coupon_used", _days(30))),
            ),
        ),
        action="Ask what is missing, and remind her of what lies unused.",
        action_zh="回访了解原因，并提醒未使用的优惠券与权益。",
    ),
]  # fmt: skip

MOTIVE = [
    Default(
        "value_not_seen", "motive", "Value not seen", "价值未感知", "warn",
        _rule(
            _status("none", "trialing", "active"),
            _never("benefit_viewed", {"op": "ever"}),
            _never("gate_viewed", {"op": "ever"}),
        ),
        action="Show the benefits: a comparison page, a preview, one benefit to try.",
        action_zh="展示权益价值：对比页、权益预览，送一项权益体验。",
    ),
    Default(
        "benefit_not_activated", "motive", "Benefit not activated", "权益未激活", "warn",
        _rule(_status("trialing", "active", "grace"), _never("benefit_used", {"op": "since_term"})),
        action="Guide her to the first use of her core benefit, step by step.",
        action_zh="推送核心权益的首次使用引导，一步到位。",
    ),
    Default(
        "lazy", "motive", "Starts and does not finish", "懒惰型", "",
        _rule(_times("task_started", "gte", 1, 30), _never("task_completed", _days(30))),
        action="Cut the task into small steps and reward the first one at once.",
        action_zh="把任务拆成小步，完成第一步立即给奖励。",
    ),
    Default(
        "hesitant", "motive", "Hesitant", "犹豫型", "run",
        _rule(
            _status("none", "trialing", "expired", "grace"),
            _group(
                "any",
                _times("plan_viewed", "gte", 3, 30),
                _group("all", _times("checkout_started", "gte", 1, 7), _never("checkout_paid", _days(7))),
            ),
        ),
        action="Answer the doubt: a limited offer, a refund promise, what other members say.",
        action_zh="打消顾虑：限时优惠、可退承诺、会员评价。",
    ),
    Default(
        "about_to_lapse", "motive", "About to lapse", "即将流失", "bad",
        _rule(
            {"kind": "membership.expires", "when": {"op": "within_next", "amount": 15, "unit": "days"}},
            {"kind": "membership.auto_renewal", "on": False},
        ),
        action="Send the usage report with a renewal offer before the last day.",
        action_zh="到期前发送使用报告，附续费优惠。",
    ),
    Default(
        "short_lapse", "motive", "Lapsed a short while", "短期流失", "bad",
        _rule(_state("expired")),
        action="Win back within 30 days: what she would get back, and an incentive.",
        action_zh="30 天内召回：展示可恢复的权益，附回归激励。",
    ),
]  # fmt: skip

INTEREST = [
    Default(
        "interest_category", "interest", "Interest in content", "内容兴趣", "",
        generator={"type": "event", "event": "content_viewed", "property": "category", "at_least": 3, "days": 30},
    ),
    Default(
        "interest_feature", "interest", "Interest in features", "功能兴趣", "",
        generator={"type": "event", "event": "benefit_used", "property": "feature", "at_least": 3, "days": 30},
    ),
]  # fmt: skip

SOURCE = [
    Default("channel", "source", "Source channel", "来源渠道", "", generator={"type": "channel"}),
    Default("by_task", "source", "Converted by a task", "任务转化", "", _paid_after("task_completed")),
    Default("by_content", "source", "Converted by content", "内容转化", "", _paid_after("content_viewed")),
    Default("by_feature", "source", "Converted by a feature", "功能转化", "", _paid_after("gate_viewed")),
    Default("by_referral", "source", "Converted by a referral", "邀请转化", "", _paid_after("referral")),
]

DEFAULTS = [*STATUS, *BEHAVIOUR, *MOTIVE, *INTEREST, *SOURCE]
