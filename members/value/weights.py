"""The churn-risk model: every feature, its bins and their weights. This is the one place to read or change it.

``score = 100 · sigmoid(BIAS + the weight of the bin each feature falls into)``: the foretold chance of leaving, in
percent. A weight says how far its bin lies from the average member (logit units, additive); a feature that is not known
adds nothing. The weights of ``measured`` features are those ``manage.py evaluate_risk`` fits; the others are judged by
hand, because the data measured on does not hold them.
"""

import json
from dataclasses import dataclass
from hashlib import sha256

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Bin:
    """Values below ``below`` that no bin before took; ``None`` takes the rest."""

    code: str
    below: float | None
    label: str | Promise
    weight: float


@dataclass(frozen=True)
class Feature:
    """``input`` names the column of the scoring statement."""

    code: str
    label: str | Promise
    input: str
    is_measured: bool
    bins: tuple[Bin, ...]

    def number_of(self, value: float) -> int:
        """Which bin a value falls into."""
        return next(n for n, piece in enumerate(self.bins) if piece.below is None or value < piece.below)


BIAS = -1.536

FEATURES = (
    Feature(
        "tenure", _("Time as a member"), "tenure_months", True,
        (
            Bin("under_6", 6, _("a member for less than 6 months"), 1.057),
            Bin("6_to_12", 12, _("a member for 6 to 12 months"), 0.316),
            Bin("12_to_24", 24, _("a member for 1 to 2 years"), 0.002),
            Bin("24_to_48", 48, _("a member for 2 to 4 years"), -0.288),
            Bin("over_48", None, _("a member for over 4 years"), -0.526),
        ),
    ),
    Feature(
        "contract", _("Length of the term"), "contract_months", True,
        (
            Bin("short", 10, _("a term of less than a year"), 0.774),
            Bin("year", 20, _("a term of a year"), -0.344),
            Bin("long", None, _("a term of two years or more"), -1.517),
        ),
    ),
    Feature(
        "renewal", _("Auto-renewal"), "renews_itself", True,
        (
            Bin("manual", 1, _("pays by hand, no auto-renewal"), 0.168),
            Bin("automatic", None, _("renews automatically"), -0.221),
        ),
    ),
    Feature(
        "price", _("Price against the average"), "price_ratio", True,
        (
            Bin("low", 0.5, _("pays less than half the average a month"), -1.17),
            Bin("middle", 1.1, _("pays about the average a month"), -0.289),
            Bin("high", None, _("pays more than the average a month"), 0.745),
        ),
    ),
    Feature(
        "silence", _("Last activity"), "idle_days", False,
        (
            Bin("under_7", 7, _("active within the last week"), -0.4),
            Bin("7_to_15", 15, _("not active for a week"), 0.0),
            Bin("15_to_30", 30, _("not active for 15 days"), 0.7),
            Bin("over_30", None, _("not active for 30 days"), 1.4),
        ),
    ),
    Feature(
        "failure", _("Failed renewals"), "failed_renewals", False,
        (
            Bin("none", 1, _("no failed renewal in 90 days"), 0.0),
            Bin("some", None, _("a renewal failed within 90 days"), 1.2),
        ),
    ),
)  # fmt: skip

MEASURED = tuple(feature for feature in FEATURES if feature.is_measured)


def version_of(bias: float, weights: tuple[tuple[float, ...], ...]) -> str:
    """A name for measured weights that depends on nothing but themselves."""
    named = {feature.code: list(own) for feature, own in zip(MEASURED, weights, strict=True)}
    return sha256(json.dumps({"bias": bias, **named}, sort_keys=True).encode()).hexdigest()[:12]


def version_in_use() -> str:
    return version_of(BIAS, tuple(tuple(piece.weight for piece in feature.bins) for feature in MEASURED))
