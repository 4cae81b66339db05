"""The risk model on data whose outcome is known."""

import json
import random
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from members.value import fitting
from members.value.models import ModelEvaluation
from members.value.weights import BIAS, MEASURED, version_in_use
from tests.members.imports.test_samples import sample

SPREAD = ("auc_low", "auc_high", "brier_low", "brier_high")


def run(**options) -> dict:
    out = StringIO()
    call_command("evaluate_risk", file=sample("telco_customer_churn.csv"), as_json=True, stdout=out, **options)
    return json.loads(out.getvalue())


@pytest.mark.django_db
def test_the_telco_figures_are_reproduced_and_belong_to_the_weights_in_use():
    shipped = ModelEvaluation.objects.get()
    found = run()
    assert (found["train_rows"], found["test_rows"]) == (4930, 2113)
    assert found["auc"] == pytest.approx(0.8377, abs=5e-5)
    assert found["brier"] == pytest.approx(0.1363, abs=5e-5)
    assert found["version"] == found["in_use"] == version_in_use()
    assert found["splits"] == 100
    assert [round(found[name], 2) for name in SPREAD] == [0.82, 0.84, 0.14, 0.15]
    assert found["bias"] == BIAS
    assert found["weights"] == [[piece.weight for piece in feature.bins] for feature in MEASURED]
    kept = ModelEvaluation.objects.exclude(pk=shipped.pk).get()
    kept_as_shipped = (
        *SPREAD, "splits", "dataset", "seed", "train_rows", "test_rows", "auc", "brier", "calibration",
        "weights_version",
    )  # fmt: skip
    for name in kept_as_shipped:
        assert getattr(kept, name) == getattr(shipped, name), name


@pytest.mark.django_db
def test_another_split_is_another_measurement_and_a_dry_run_keeps_nothing():
    found = run(seed=1, splits=5, dry_run=True)
    assert found["version"] != version_in_use()
    assert 0.8 < found["auc_low"] < found["auc_high"] < 0.9
    assert ModelEvaluation.objects.count() == 1
    with pytest.raises(CommandError, match="two splits"):
        run(splits=1)


@pytest.mark.django_db
def test_a_wrong_file_is_named(tmp_path):
    with pytest.raises(CommandError, match="is not there"):
        call_command("evaluate_risk", file=tmp_path / "none.csv")
    other = tmp_path / "other.csv"
    other.write_text("name,age\nA,1\n")
    with pytest.raises(CommandError, match="Churn"):
        call_command("evaluate_risk", file=other)


def test_auc_counts_ties_half():
    assert fitting.auc([(0.1, False), (0.9, True)]) == 1
    assert fitting.auc([(0.9, False), (0.1, True)]) == 0
    assert fitting.auc([(0.5, False), (0.5, True), (0.5, False)]) == 0.5


def test_brier_and_calibration():
    scored = [(n / 20, n % 2 == 0) for n in range(20)]
    assert fitting.brier([(1.0, True), (0.5, False)]) == 0.125
    tenths = fitting.calibration(scored)
    assert [tenth.rows for tenth in tenths] == [2] * 10
    assert tenths[0].foretold == pytest.approx(0.025)
    assert all(tenth.happened == 0.5 for tenth in tenths)


def test_the_fit_finds_the_weights_rows_were_drawn_from():
    draw = random.Random(3)
    true = {0: -1.0, 1: 1.5}
    rows = []
    for _ in range(20_000):
        number = draw.randrange(2)
        rows.append(((number,), draw.random() < fitting.sigmoid(-0.5 + true[number])))
    found = fitting.fit(rows, [2])
    assert found.weights[0][1] - found.weights[0][0] == pytest.approx(2.5, abs=0.1)
    assert found.bias + found.weights[0][0] == pytest.approx(-1.5, abs=0.1)
