"""One member's value as her page shows it: RFM, maturity, churn risk with its reasons, concentration."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.functional import Promise

from members.value import figures
from members.value.console.pages import PARTS, EvaluationView, evaluation_view, rule_words
from members.value.groups import ACTIONS, Band, Group, band_of
from members.value.models import MemberValue, ValueSettings
from members.value.weights import BIAS, FEATURES

TOP_REASONS = 3


@dataclass(frozen=True)
class Reason:
    """What one fact adds to the risk, or takes from it (logit units)."""

    label: str | Promise
    weight: float
    is_measured: bool


@dataclass(frozen=True)
class Part:
    """One part of maturity; ``agrees`` and ``shown`` are None without data."""

    code: str
    label: str | Promise
    value: float | None
    agrees: bool | None
    rule: str


class ValuePortrait:
    """Reads each part once, when the page asks for it; ``row`` is None before the first refresh."""

    def __init__(self, member_id: int) -> None:
        self.member_id = member_id

    @cached_property
    def row(self) -> MemberValue | None:
        return MemberValue.objects.filter(pk=self.member_id).first()

    @cached_property
    def settings(self) -> ValueSettings:
        return ValueSettings.objects.get()

    @property
    def group(self) -> Group | None:
        return Group(self.row.rfm_group) if self.row and self.row.rfm_group else None

    @property
    def action(self) -> str | Promise:
        return ACTIONS[self.group] if self.group else ""

    @property
    def parts(self) -> list[Part]:
        row, chosen = self.row, self.settings
        if row is None:
            return []
        spend, rate, variation = row.spend_ratio, row.referral_rate, row.spend_variation
        limits: dict[str, tuple[float | None, Any]] = {
            "spend": (spend, spend is not None and spend > chosen.spend_ratio_min),
            "behaviour": (row.active_days, row.active_days is not None and row.active_days >= chosen.active_days_min),
            "advocacy": (rate, rate is not None and 100 * rate > chosen.referral_percent_min),
            "stability": (variation, variation is not None and 100 * variation < chosen.variation_percent_max),
        }
        words = rule_words(chosen)
        return [
            Part(code, PARTS[code], value, None if value is None else bool(agrees), words[code])
            for code, (value, agrees) in limits.items()
        ]

    @property
    def band(self) -> Band | None:
        return band_of(self.row.risk_score) if self.row and self.row.risk_score is not None else None

    @property
    def reasons(self) -> list[Reason]:
        """Every known fact, what raises the risk most first."""
        if self.row is None or not self.row.risk_factors:
            return []
        chosen = self.row.risk_factors
        found = [
            Reason(piece.label, piece.weight, feature.is_measured)
            for feature in FEATURES
            for piece in feature.bins
            if chosen.get(feature.code) == piece.code
        ]
        return sorted(found, key=lambda reason: -reason.weight)

    @property
    def top_reasons(self) -> list[Reason]:
        return [reason for reason in self.reasons if reason.weight > 0][:TOP_REASONS]

    @property
    def other_reasons(self) -> list[Reason]:
        top = self.top_reasons
        return [reason for reason in self.reasons if reason not in top]

    @property
    def base(self) -> float:
        return BIAS

    @cached_property
    def evaluation(self) -> EvaluationView | None:
        return evaluation_view()

    @property
    def kept_since(self) -> list[tuple[str, datetime]]:
        """What kept its last value at the last refresh, because a feed had fallen silent, and since when."""
        if self.row is None:
            return []
        instants = {
            "rfm": self.row.rfm_as_of, "maturity": self.row.maturity_as_of, "risk": self.row.risk_as_of,
        }  # fmt: skip
        return [(code, instant) for code, instant in instants.items() if instant < self.row.computed_at]

    @cached_property
    def silent_words(self) -> str:
        names = figures.silent_names(figures.last_run())
        return ", ".join(sorted({name for own in names.values() for name in own}))
