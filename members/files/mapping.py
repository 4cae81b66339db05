"""What a column can be: the fields of each kind of file, the names they go by, and the guess from a header."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

IGNORE = ""
ATTRIBUTE = "+"


@dataclass(frozen=True)
class Field:
    """A field a column can fill. ``kind`` names how its text is cleaned and judged (``cleaning.KINDS``)."""

    name: str
    label: str | Promise
    kind: str
    aliases: tuple[str, ...] = ()
    length: int = 0
    is_personal: bool = False


_EXTERNAL_ID = Field(
    "external_id",
    _("External id"),
    "key",
    (
        "会员编号",
        "外部编号",
        "会员id",
        "会员号",
        "会员卡号",
        "用户编号",
        "用户id",
        "客户编号",
        "id",
        "user id",
        "member id",
        "member no",
        "customer id",
        "uid",
    ),
    200,
)
_PHONE = Field(
    "phone",
    _("Phone"),
    "phone",
    ("手机号", "手机", "手机号码", "电话", "联系电话", "mobile", "phone number", "tel"),
    20,
    True,
)
_EMAIL = Field(
    "email", _("Email"), "email", ("邮箱", "电子邮箱", "邮件", "邮箱地址", "e-mail", "mail", "email address"), 200, True
)
_TIER = Field(
    "tier", _("Tier"), "tier", ("会员等级", "等级", "级别", "会员级别", "membership level", "level", "membership tier")
)
_PLAN = Field("plan", _("Plan"), "plan", ("方案", "套餐", "会员方案", "会员套餐", "产品", "plan code"))
_PRICE = Field(
    "price",
    _("Price paid"),
    "money",
    ("金额", "实付金额", "支付金额", "价格", "付款金额", "amount", "price paid", "paid"),
)
_CURRENCY = Field("currency", _("Currency"), "currency", ("币种", "货币"))
_TERM_KIND = Field("kind", _("Term kind"), "term_kind", ("会期类型", "类型", "会员类型", "term kind", "type"))
_ORDER = Field(
    "external_ref",
    _("Order number"),
    "text",
    ("订单号", "订单编号", "单号", "order no", "order number", "order id", "order"),
    120,
)
_AUTO = Field(
    "auto_renewal_flag",
    _("Auto-renewal"),
    "flag",
    ("自动续费", "自动续订", "是否自动续费", "连续包月", "auto renewal", "auto renew", "autorenew"),
)
_START = Field(
    "activation_time",
    _("Activation time"),
    "start",
    (
        "激活时间",
        "开通时间",
        "开始时间",
        "开始",
        "开始日期",
        "生效时间",
        "start",
        "starts at",
        "start date",
        "activated at",
    ),
)
_END = Field(
    "expiration_time",
    _("Expiration time"),
    "end",
    (
        "到期时间",
        "到期",
        "到期日",
        "到期日期",
        "失效时间",
        "结束时间",
        "过期时间",
        "end",
        "ends at",
        "end date",
        "expires at",
        "expiry",
    ),
)

MEMBER_FIELDS: tuple[Field, ...] = (
    _EXTERNAL_ID,
    Field(
        "display_name",
        _("Name"),
        "text",
        ("姓名", "名字", "会员姓名", "昵称", "称呼", "name", "full name", "nickname"),
        120,
        True,
    ),
    _PHONE,
    _EMAIL,
    Field("openid", _("WeChat openid"), "key", ("微信openid", "wechat openid"), 200, True),
    Field("unionid", _("WeChat unionid"), "key", ("微信unionid", "wechat unionid"), 200, True),
    _TIER,
    _PLAN,
    _TERM_KIND,
    _START,
    _END,
    _AUTO,
    _PRICE,
    _CURRENCY,
    Field(
        "registered_at",
        _("Registered"),
        "start",
        ("注册时间", "注册日期", "registered", "registration date", "signup date"),
    ),
    Field("gender", _("Gender"), "gender", ("性别", "sex")),
    Field(
        "birthday_on", _("Birthday"), "date", ("生日", "出生日期", "birthday", "birth date", "date of birth"), 0, True
    ),
    Field("city", _("City"), "text", ("城市", "所在城市", "地区"), 80),
    Field("channel", _("Source channel"), "text", ("来源", "渠道", "来源渠道", "注册渠道", "source"), 80),
    Field("language", _("Language"), "text", ("语言", "locale"), 16),
    Field("time_zone", _("Time zone"), "zone", ("时区", "timezone"), 64),
    Field("membership_status", _("Membership status (compared only)"), "claim", ("会员状态", "状态", "status")),
    Field(
        "lifecycle_state",
        _("Lifecycle state (compared only)"),
        "claim",
        ("生命周期", "生命周期状态", "会员阶段", "state"),
    ),
)

TERM_FIELDS: tuple[Field, ...] = (
    _EXTERNAL_ID,
    _PHONE,
    _EMAIL,
    _ORDER,
    _TERM_KIND,
    _PLAN,
    _TIER,
    _START,
    _END,
    _PRICE,
    _CURRENCY,
)

EVENT_FIELDS: tuple[Field, ...] = (
    _EXTERNAL_ID,
    _PHONE,
    _EMAIL,
    Field("event", _("Event name"), "text", ("事件", "事件名", "事件名称", "行为", "event name", "action"), 120),
    Field(
        "occurred_at",
        _("Occurred"),
        "noon",
        ("发生时间", "时间", "事件时间", "日期", "date", "time", "timestamp", "event time"),
    ),
    Field("message_id", _("Message id"), "text", ("消息编号", "消息id", "唯一编号", "event id", "insert id"), 120),
    Field("value", _("Value"), "money", ("金额", "价值", "amount", "revenue", "price")),
    _CURRENCY,
)

TELCO_FIELDS: tuple[Field, ...] = (
    Field("external_id", _("Subscriber"), "key", ("customerid",), 200),
    Field("gender", _("Gender"), "gender", ("gender",)),
    Field("tenure", _("Tenure in months"), "months", ("tenure",)),
    Field("contract", _("Contract"), "contract", ("contract",)),
    Field("payment_method", _("Payment method"), "text", ("paymentmethod",), 80),
    Field("monthly_charges", _("Monthly charge"), "money", ("monthlycharges",)),
    Field("total_charges", _("Charges so far"), "money", ("totalcharges",)),
    Field("churned", _("Churned"), "flag", ("churn",)),
)

CDNOW_FIELDS: tuple[Field, ...] = (
    Field("external_id", _("Customer"), "key", ("customer_id",), 200),
    Field("occurred_at", _("Date"), "noon", ("date",)),
    Field("count", _("CDs bought"), "count", ("number_of_cds",)),
    Field("value", _("Amount in dollars"), "money", ("dollar_value",)),
)


def plain_name(name: str) -> str:
    """A header as it is compared: full-width made plain, lower case, without spaces, dashes, underscores, units."""
    plain = unicodedata.normalize("NFKC", name).strip().lower()
    plain = re.sub(r"[（(].*?[)）]\s*$", "", plain)
    return re.sub(r"[\s_\-*:：.]", "", plain)


@cache
def names_of(field: Field) -> frozenset[str]:
    """Every header this field goes by, as compared: its own name, its label in the languages we have, its aliases.

    So what an export heads its columns with, in any language, is understood again.
    """
    labels = []
    for code, _language in settings.LANGUAGES:
        with translation.override(code):
            labels.append(str(field.label))
    return frozenset(plain_name(name) for name in (field.name, *labels, *field.aliases))


def guess(header: Sequence[str], fields: Sequence[Field]) -> list[str]:
    """For each column the name of the field it fills, or IGNORE; each field is given to one column at most."""
    taken: set[str] = set()
    guessed = []
    for name in header:
        plain = plain_name(name)
        match = next((f.name for f in fields if f.name not in taken and plain in names_of(f)), IGNORE)
        taken.add(match)
        guessed.append(match)
    return guessed
