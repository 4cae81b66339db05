"""Measuring the churn-risk weights on data whose outcome is known."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import quantiles

from django.db import transaction

from config.audit.record import audit
from members.value import fitting
from members.value.models import ModelEvaluation
from members.value.weights import MEASURED, version_of

TRAIN_SHARE = 0.7
# So many random splits say how far a figure depends on the one that was drawn.
SPLITS = 100
DIGITS = 3
DIGITS_KEPT = 4


@dataclass(frozen=True)
class Case:
    """One subscriber of a data set, in the measured features' own inputs, and whether she left."""

    tenure_months: float
    contract_months: float
    renews_itself: float
    monthly_price: float
    left: bool


@dataclass(frozen=True)
class Measured:
    """Weights fitted on one part of the cases, rounded as they are written down, and how they did on the rest."""

    bias: float
    weights: tuple[tuple[float, ...], ...]
    train_rows: int
    test_rows: int
    auc: float
    brier: float
    calibration: list[fitting.Decile]

    @property
    def version(self) -> str:
        return version_of(self.bias, self.weights)


@dataclass(frozen=True)
class Spread:
    """Between which figures the middle four fifths of ``splits`` random splits lie, each fitted and tested anew."""

    splits: int
    auc_low: float
    auc_high: float
    brier_low: float
    brier_high: float


def spread(cases: Sequence[Case], *, seed: int, splits: int = SPLITS) -> Spread:
    """``measure`` by the split of ``seed`` and those of the seeds after it; at least two."""
    found = [measure(cases, seed=seed + n) for n in range(splits)]
    aucs = quantiles([one.auc for one in found], n=10, method="inclusive")
    briers = quantiles([one.brier for one in found], n=10, method="inclusive")
    return Spread(splits, aucs[0], aucs[-1], briers[0], briers[-1])


def measure(cases: Sequence[Case], *, seed: int) -> Measured:
    """Fit on a random 70 % and test on the other 30 %; the same cases and seed give the same figures."""
    order = list(range(len(cases)))
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, no secret
    cut = int(len(order) * TRAIN_SHARE)
    train, test = [cases[n] for n in order[:cut]], [cases[n] for n in order[cut:]]
    mean_price = sum(case.monthly_price for case in train) / len(train)
    fitted = fitting.fit(
        [(_pattern(case, mean_price), case.left) for case in train], [len(feature.bins) for feature in MEASURED]
    )
    rounded = fitting.Fit(
        round(fitted.bias, DIGITS), tuple(tuple(round(weight, DIGITS) for weight in own) for own in fitted.weights)
    )
    scored = [(rounded.probability(_pattern(case, mean_price)), case.left) for case in test]
    return Measured(
        rounded.bias, rounded.weights, len(train), len(test), fitting.auc(scored), fitting.brier(scored),
        fitting.calibration(scored),
    )  # fmt: skip


@transaction.atomic
def record_evaluation(*, measured: Measured, spread: Spread, dataset: str, seed: int, at: datetime) -> ModelEvaluation:
    """Keep the figures, to be shown wherever the risk is."""
    between = {name: value if name == "splits" else round(value, DIGITS_KEPT) for name, value in asdict(spread).items()}
    evaluation = ModelEvaluation.objects.create(
        dataset=dataset, seed=seed, train_rows=measured.train_rows, test_rows=measured.test_rows,
        auc=round(measured.auc, DIGITS_KEPT), brier=round(measured.brier, DIGITS_KEPT),
        calibration=[
            {name: round(value, DIGITS_KEPT) for name, value in asdict(decile).items()}
            for decile in measured.calibration
        ],
        weights_version=measured.version, made_at=at, **between,
    )  # fmt: skip
    audit(
        evaluation,
        "value.evaluated",
        actor=None,
        at=at,
        dataset=dataset,
        **between,
        weights=measured.version,
    )
    return evaluation


def _pattern(case: Case, mean_price: float) -> fitting.Pattern:
    inputs = {
        "tenure_months": case.tenure_months,
        "contract_months": case.contract_months,
        "renews_itself": case.renews_itself,
        "price_ratio": case.monthly_price / mean_price,
    }
    return tuple(feature.number_of(inputs[feature.input]) for feature in MEASURED)
