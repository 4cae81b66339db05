import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.engine.clock import now
from members.value.operations.evaluating import SPLITS, Case, Measured, Spread, measure, record_evaluation, spread
from members.value.weights import MEASURED, version_in_use

FILE_NAME = "telco_customer_churn.csv"
SEED = 20_26
CONTRACT_MONTHS = {"Month-to-month": 1, "One year": 12, "Two year": 24}
COLUMNS = {"tenure", "Contract", "PaymentMethod", "MonthlyCharges", "Churn"}


class Command(BaseCommand):
    help = (
        "Fit the measured weights of the churn risk on 70 % of the IBM Telco file and test them on the other 30 %. "
        "The figures, and how far they spread over other splits, are kept and shown in the console."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, default=Path(settings.SAMPLE_DATA_DIR) / FILE_NAME)
        parser.add_argument("--seed", type=int, default=SEED, help=f"of the split ({SEED})")
        parser.add_argument("--splits", type=int, default=SPLITS, help=f"whose figures spread ({SPLITS})")
        parser.add_argument("--dry-run", action="store_true", help="print the figures and keep nothing")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"{path} is not there; name the IBM Telco file with --file")
        if options["splits"] < 2:
            raise CommandError("a spread needs two splits or more")
        cases, seed = list(_cases(path)), options["seed"]
        found, between = measure(cases, seed=seed), spread(cases, seed=seed, splits=options["splits"])
        if not options["dry_run"]:
            record_evaluation(measured=found, spread=between, dataset=f"IBM Telco ({path.name})", seed=seed, at=now())
        if options["as_json"]:
            versions = {"version": found.version, "in_use": version_in_use()}
            self.stdout.write(json.dumps({**asdict(found), **asdict(between), **versions}))
        else:
            self._print(found, between)

    def _print(self, found: Measured, between: Spread) -> None:
        self.stdout.write(f"fitted on {found.train_rows:,} rows, tested on {found.test_rows:,}")
        self.stdout.write(
            f"hold-out AUC {between.auc_low:.2f}-{between.auc_high:.2f}   "
            f"Brier {between.brier_low:.2f}-{between.brier_high:.2f}   "
            f"(the middle four fifths of {between.splits} random splits; this one {found.auc:.4f}, {found.brier:.4f})"
        )
        self.stdout.write("\ndecile   rows  foretold  happened")
        for number, decile in enumerate(found.calibration, 1):
            self.stdout.write(f"{number:>6} {decile.rows:>6} {decile.foretold:>9.1%} {decile.happened:>9.1%}")
        self.stdout.write(f"\nweights (base {found.bias:+.3f})")
        for feature, weights in zip(MEASURED, found.weights, strict=True):
            for piece, weight in zip(feature.bins, weights, strict=True):
                self.stdout.write(f"  {feature.code + '.' + piece.code:<20} {weight:+.3f}")
        same = "those in use" if found.version == version_in_use() else f"not those in use ({version_in_use()})"
        self.stdout.write(f"version {found.version}: {same}")


def _cases(path: Path) -> Iterator[Case]:
    """The file's rows in the words of the console: contract as term length, automatic payment as auto-renewal."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        if missing := COLUMNS - set(rows.fieldnames or ()):
            raise CommandError(f"{path.name} has no column {', '.join(sorted(missing))}: it is not the IBM Telco file")
        for row in rows:
            yield Case(
                tenure_months=float(row["tenure"]),
                contract_months=CONTRACT_MONTHS[row["Contract"]],
                renews_itself=float("automatic" in row["PaymentMethod"]),
                monthly_price=float(row["MonthlyCharges"]),
                left=row["Churn"] == "Yes",
            )
