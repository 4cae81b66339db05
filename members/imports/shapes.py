"""What each kind of file means in SQL: the columns derived from its fields, its own checks, and the terms it calls for.

Everything here is text for statements composed in ``validation``. A field that no column fills is NULL of its type,
so every expression may name every field of its shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from members.files import mapping
from members.files.mapping import Field
from members.imports.cleaning import quoted

# Profile columns of Member that a file fills, in table order, with what a new member without a value gets.
PROFILE_COLUMNS: Mapping[str, str] = {
    "display_name": "''",
    "language": "''",
    "gender": "''",
    "birthday_on": "NULL",
    "city": "''",
    "channel": "''",
    "registered_at": "NULL",
}
IDENTITY_KINDS = ("external_id", "phone", "email", "openid", "unionid")
# In which order a row's identities are asked who she is.
KEYS = ("external_id", "phone", "email")


@dataclass(frozen=True)
class Setting:
    """What a check knows besides the file: the project's zone, chosen options, and durations of plans."""

    zone: str
    currency: str
    options: Mapping[str, object]
    plan_tier: Mapping[int, int] = field(default_factory=dict)
    plan_length: Mapping[int, str] = field(default_factory=dict)
    event_prefix: str = ""


@dataclass(frozen=True)
class Shape:
    """One kind of file. ``needs`` holds groups of fields of each of which one must be mapped."""

    fields: tuple[Field, ...]
    needs: tuple[tuple[str, ...], ...]
    unique: tuple[str, ...]
    # Whether members not yet known are created.
    creates_members: bool = True
    identities: tuple[str, ...] = IDENTITY_KINDS
    # The one currency of such a file, where it has one.
    currency: str = ""

    def field(self, name: str) -> Field:
        return next(f for f in self.fields if f.name == name)

    def derived(self, setting: Setting) -> dict[str, str]:
        """Columns computed from the typed fields."""
        return {}

    def problems(self, setting: Setting) -> list[str]:
        """Checks across fields: CASE expressions over typed columns (``v.x``) and cells (``v.r_x``)."""
        return []

    def terms(self, setting: Setting, rows: str) -> str:
        """A SELECT of the terms the rows call for, or an empty string."""
        return ""


def _by_id(expression: str, values: Mapping[int, object], as_type: str) -> str:
    if not values:
        return f"NULL::{as_type}"
    branches = " ".join(f"WHEN {pk} THEN {quoted(str(value))}::{as_type}" for pk, value in values.items())
    return f"CASE {expression} {branches} END"


def _end_of(setting: Setting) -> str:
    """The end a plan gives from the start, on the local calendar."""
    zone = quoted(setting.zone)
    length = _by_id("v.plan", setting.plan_length, "interval")
    return f"coalesce(v.expiration_time, (v.activation_time AT TIME ZONE {zone} + {length}) AT TIME ZONE {zone})"


def _tier_of(setting: Setting) -> str:
    default = setting.options.get("default_tier")
    chosen = f", {int(str(default))}::bigint" if default else ""
    return f"coalesce(v.tier, {_by_id('v.plan', setting.plan_tier, 'bigint')}{chosen})"


def _dates_problems(setting: Setting) -> list[str]:
    end = _end_of(setting)
    return [
        f"CASE WHEN v.activation_time >= {end} THEN 'expiration_time:ends_before_start' END",
        "CASE WHEN v.r_activation_time IS NULL AND v.r_expiration_time IS NOT NULL THEN 'activation_time:start_missing' END",
        f"CASE WHEN v.activation_time IS NOT NULL AND v.r_expiration_time IS NULL AND {end} IS NULL "
        "THEN 'expiration_time:end_missing' END",
        f"CASE WHEN v.activation_time IS NOT NULL AND v.r_tier IS NULL AND v.r_plan IS NULL AND {_tier_of(setting)} IS NULL "
        "THEN 'tier:tier_missing' END",
    ]


_NO_IDENTITY = "CASE WHEN coalesce(v.r_external_id, v.r_phone, v.r_email) IS NULL THEN ':no_identity' END"


class MemberShape(Shape):
    def derived(self, setting: Setting) -> dict[str, str]:
        return {"term_tier": _tier_of(setting), "term_end": _end_of(setting)}

    def problems(self, setting: Setting) -> list[str]:
        return [_NO_IDENTITY, *_dates_problems(setting)]

    def terms(self, setting: Setting, rows: str) -> str:
        return f"""
          SELECT r.row_no, r.member_id, coalesce(r.kind, 'paid') AS kind, r.term_tier AS tier_id, r.plan AS plan_id,
            NULL::text AS contract, r.activation_time AS starts_at, r.term_end AS ends_at,
            coalesce(r.price, 0) AS price_cents, coalesce(r.currency, {quoted(setting.currency)}) AS currency,
            NULL::text AS external_ref
          FROM {rows} r WHERE r.activation_time IS NOT NULL AND r.term_end > r.activation_time"""


class TermShape(Shape):
    def derived(self, setting: Setting) -> dict[str, str]:
        return {"term_tier": _tier_of(setting), "term_end": _end_of(setting)}

    def problems(self, setting: Setting) -> list[str]:
        return [
            _NO_IDENTITY,
            "CASE WHEN v.r_activation_time IS NULL THEN 'activation_time:start_missing' END",
            *_dates_problems(setting),
        ]

    def terms(self, setting: Setting, rows: str) -> str:
        return f"""
          SELECT r.row_no, r.member_id, coalesce(r.kind, 'paid') AS kind, r.term_tier AS tier_id, r.plan AS plan_id,
            NULL::text AS contract, r.activation_time AS starts_at, r.term_end AS ends_at,
            coalesce(r.price, 0) AS price_cents, coalesce(r.currency, {quoted(setting.currency)}) AS currency,
            r.external_ref
          FROM {rows} r WHERE r.activation_time IS NOT NULL AND r.term_end > r.activation_time"""


class EventShape(Shape):
    def derived(self, setting: Setting) -> dict[str, str]:
        return {
            "event_name": "v.event",
            "message": f"coalesce(v.message_id, {quoted(setting.event_prefix)} || v.row_no)",
            "value_cents": "v.value",
            "event_currency": f"CASE WHEN v.value IS NOT NULL THEN coalesce(v.currency, {quoted(setting.currency)}) END",
            "properties": "coalesce(v.attributes, '{}'::jsonb)",
        }

    def problems(self, setting: Setting) -> list[str]:
        return [
            _NO_IDENTITY,
            "CASE WHEN v.r_event IS NULL THEN 'event:event_missing' END",
            "CASE WHEN v.r_occurred_at IS NULL THEN 'occurred_at:start_missing' END",
        ]


class CdnowShape(Shape):
    def derived(self, setting: Setting) -> dict[str, str]:
        return {
            "external_id": "'cdnow-' || v.external_id",
            "event_name": "'order_completed'::text",
            "message": f"{quoted(setting.event_prefix)} || v.row_no",
            "value_cents": "v.value",
            "event_currency": f"{quoted(self.currency)}::text",
            "properties": "jsonb_build_object('count', v.count)",
        }

    def problems(self, setting: Setting) -> list[str]:
        return [
            "CASE WHEN v.r_external_id IS NULL THEN ':no_identity' END",
            "CASE WHEN v.r_occurred_at IS NULL THEN 'occurred_at:start_missing' END",
        ]


MONTHS_OF = "CASE v.contract WHEN 'month' THEN 1 WHEN 'year' THEN 12 WHEN 'two_years' THEN 24 END"


class TelcoShape(Shape):
    """Subscribers with tenure, contract and churn but no dates: they are counted back from a chosen as-of date.

    A churned subscriber's cover ends on that date. For the others the contract period running on it is one term, and
    all the time before it another.
    """

    def derived(self, setting: Setting) -> dict[str, str]:
        as_of = f"date {quoted(str(setting.options['as_of_on']))}"
        return {
            "external_id": "'telco-' || v.external_id",
            "as_of_on": as_of,
            "start_on": f"({as_of} - make_interval(months => v.tenure))::date",
            "months": MONTHS_OF,
            "periods": f"v.tenure / ({MONTHS_OF})",
            "registered_at": f"({as_of} - make_interval(months => v.tenure)) AT TIME ZONE {quoted(setting.zone)}",
            "auto_renewal_flag": "NOT coalesce(v.churned, false) AND coalesce(v.payment_method LIKE '%(automatic)', false)",
            "attributes": """jsonb_strip_nulls(jsonb_build_object('contract', v.contract, 'payment_method', v.payment_method,
                'tenure_months', v.tenure, 'monthly_charges_cents', v.monthly_charges, 'total_charges_cents', v.total_charges))""",
        }

    def problems(self, setting: Setting) -> list[str]:
        missing = ("external_id", "tenure", "contract", "monthly_charges")
        return [f"CASE WHEN v.r_{name} IS NULL THEN '{name}:cell_missing' END" for name in missing]

    def terms(self, setting: Setting, rows: str) -> str:
        zone = quoted(setting.zone)
        current_on = "(r.start_on + make_interval(months => r.periods * r.months))::date"
        return f"""
          SELECT r.row_no, r.member_id, 'paid' AS kind, NULL::bigint AS tier_id, NULL::bigint AS plan_id, r.contract,
            t.starts_on::timestamp AT TIME ZONE {zone} AS starts_at, t.ends_on::timestamp AT TIME ZONE {zone} AS ends_at,
            r.monthly_charges * t.months AS price_cents, {quoted(self.currency)} AS currency, NULL::text AS external_ref
          FROM {rows} r CROSS JOIN LATERAL (
            SELECT r.start_on AS starts_on, r.as_of_on AS ends_on, r.tenure AS months WHERE r.churned
            UNION ALL SELECT r.start_on, {current_on}, r.periods * r.months WHERE NOT coalesce(r.churned, false)
            UNION ALL SELECT {current_on}, (r.start_on + make_interval(months => (r.periods + 1) * r.months))::date, r.months
              WHERE NOT coalesce(r.churned, false)
          ) t WHERE t.ends_on > t.starts_on"""


SHAPES: dict[str, Shape] = {
    "members": MemberShape(mapping.MEMBER_FIELDS, (KEYS,), IDENTITY_KINDS),
    "terms": TermShape(
        mapping.TERM_FIELDS, (KEYS, ("activation_time",), ("expiration_time", "plan"), ("tier", "plan")),
        ("external_ref",), creates_members=False, identities=KEYS,
    ),
    "events": EventShape(
        mapping.EVENT_FIELDS, (KEYS, ("event",), ("occurred_at",)), ("message_id",), creates_members=False,
        identities=KEYS,
    ),
    "telco": TelcoShape(
        mapping.TELCO_FIELDS, (("external_id",), ("tenure",), ("contract",), ("monthly_charges",), ("churned",)),
        ("external_id",), identities=("external_id",), currency="USD",
    ),
    "cdnow": CdnowShape(
        mapping.CDNOW_FIELDS, (("external_id",), ("occurred_at",), ("value",)), (), identities=("external_id",),
        currency="USD",
    ),
}  # fmt: skip

EVENT_PROFILES = ("events", "cdnow")
