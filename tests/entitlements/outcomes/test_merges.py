"""Random merges taken apart again, against a control in which the same happened and nobody was ever merged."""

import os
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from config.engine.refusal import Refused
from tests.entitlements.outcomes.company import DAY, Company

pytestmark = pytest.mark.django_db

# A seed takes some seconds; hundreds of them run under MOC_SOAK.
SEEDS = [pytest.param(seed, marks=pytest.mark.soak) for seed in range(150)] if os.environ.get("MOC_SOAK") else range(4)
SIZE = 5
BEGIN = datetime(2026, 2, 10, 4, tzinfo=UTC)
# Their outcome for a person does not hang on whom they are merged with.
APART = [
    *("grant", "pack", "coupon", "code", "edit", "pay", "active", "tag", "adviser"),
    *("consent:email-no", "consent:email-yes", "consent:sms-no"),
]
ALONE = [*APART, "use:voucher", "use:downloads", "untag", "tier:gold", "tier:black", "refund"]
# What hangs on terms is another matter where both of a merged pair had cover: it went one after the other.
OF_TERMS = ("terms", "life", "state", "balances", "grants")


@dataclass(frozen=True)
class Step:
    at: datetime
    what: str
    who: int = 0
    value: str = ""


class Story:
    """A random story: what happens to whom, who is merged into whom, and everything taken apart in reverse order."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.at = BEGIN
        # Whether each has cover in days of their own.
        self.is_disjoint = seed % 2 == 0
        self.steps: list[Step] = []
        self.merged: list[tuple[int, int]] = []
        self._before()
        self._between()

    def add(self, what: str, who: int, value: str = "", days: float = 0.5) -> None:
        self.at += DAY * days
        self.steps.append(Step(self.at, what, who, value))

    def _before(self) -> None:
        """Ordinary lives; the cover of each in a slot of its own, or all of them now."""
        for who in self.draw.sample(range(SIZE), SIZE):
            if self.is_disjoint:
                self.add("buy", who, "month", days=36)
                self.add("use", who, "voucher")
            else:
                self.add(self.draw.choice(["buy", "buy", "gift", "nothing"]), who, self.draw.choice(["month", "top"]))
            for _ in range(self.draw.randrange(4)):
                self._happen(who)
        if self.draw.random() < 0.5:
            giver, taker = self.draw.sample(range(SIZE), 2)
            self.add("buy", giver, "family", days=40)
            self.add("seat", taker, str(giver))
        self.add("honour", 0)

    def _between(self) -> None:
        for _ in range(self.draw.randrange(3, 12)):
            deed = self.draw.choice(["merge", "merge", "unmerge", "happen", "happen", "happen"])
            standing = [who for who in range(SIZE) if who not in {absorbed for _, absorbed in self.merged}]
            if deed == "merge" and len(standing) > 1:
                survivor, absorbed = self.draw.sample(standing, 2)
                self.merged.append((survivor, absorbed))
                self.add("merge", survivor, str(absorbed), days=self.draw.choice([0.1, 1, 3]))
            elif deed == "unmerge" and self.merged:
                self._unmerge()
            else:
                self._happen(self.draw.choice(standing))
        while self.merged:
            self._unmerge()

    def _unmerge(self) -> None:
        survivor, absorbed = self.merged.pop()
        self.add("unmerge", survivor, str(absorbed), days=self.draw.choice([0.1, 1, 5]))

    def _happen(self, who: int) -> None:
        is_merged = any(who in pair for pair in self.merged)
        what, _, value = self.draw.choice(APART if is_merged else ALONE).partition(":")
        value = value or str(self.draw.randrange(100, 900))
        self.add(what, who, value, days=self.draw.choice([0.1, 0.7, 2]))


class Lived:
    """The story lived through; ``skipped`` are the numbers of the steps that were refused."""

    def __init__(self, story: Story, *, merges: bool, skips: set[int] | None = None) -> None:
        self.company = Company(BEGIN - 30 * DAY, SIZE)
        self.refused: dict[int, str] = {}
        self.records: dict[tuple[int, str], int] = {}
        self.unmerged_all = True
        for number, step in enumerate(story.steps):
            if number in (skips or ()):
                continue
            if merges or step.what not in ("merge", "unmerge"):
                self.take(number, step)
            self.company.settle(step.at + DAY / 96)
        connection.check_constraints()

    def take(self, number: int, step: Step) -> None:
        try:
            with transaction.atomic():
                self._take(step)
        except Refused as refused:
            self.refused[number] = refused.code

    def _take(self, step: Step) -> None:
        company, key = self.company, (step.who, step.value)
        if step.what == "merge":
            self.records[key] = company.merge(step.who, int(step.value), step.at)
        elif step.what == "unmerge":
            if key in self.records:
                company.unmerge(self.records[key], step.at)
                del self.records[key]
        elif step.what == "honour":
            company.honour(step.at.year - 1, step.at)
        elif step.what != "nothing":
            getattr(company, f"do_{step.what}")(step.who, step.value, step.at)

    def summaries(self) -> list[dict[str, Any]]:
        numbers = {member.pk: who for who, member in enumerate(self.company.people)}
        return [
            {
                name: [(at, numbers[pk]) for at, pk in rows] if name.startswith("seats") else rows
                for name, rows in self.company.summary(who).items()
            }
            for who in range(SIZE)
        ]


@pytest.mark.parametrize("seed", SEEDS)
def test_merges_taken_apart_leave_no_trace(seed):
    story = Story(seed)
    with transaction.atomic():
        lived = Lived(story, merges=True)
        found = lived.summaries()
        left = dict(lived.records)
        transaction.set_rollback(True)
    refused = {
        number: code for number, code in lived.refused.items() if story.steps[number].what not in ("merge", "unmerge")
    }
    told = tell(story, lived)
    assert not left, f"refused to be taken apart\n{told}"
    with transaction.atomic():
        control = Lived(story, merges=False, skips=set(refused)).summaries()
        transaction.set_rollback(True)
    for who in range(SIZE):
        for name, right in control[who].items():
            if not story.is_disjoint and name == "terms":
                # One cover went after the other, so it lies elsewhere, and no second of it is lost.
                assert lengths(found[who]["terms"]) == lengths(right), f"seed {seed}, person {who}, terms\n{told}"
            elif story.is_disjoint or name not in OF_TERMS:
                assert found[who].get(name) == right, f"seed {seed}, person {who}, {name}\n{told}"


def lengths(spans: list[tuple[str, datetime, datetime]]) -> dict[str, timedelta]:
    """How long the cover of each kind lasts; a seat has no time of its own."""
    kinds = {kind for kind, *_ in spans if kind != "lent"}
    return {kind: sum((end - start for one, start, end in spans if one == kind), timedelta()) for kind in kinds}


def tell(story: Story, lived: Lived) -> str:
    return "\n".join(
        f"{step.at:%m-%d %H:%M} {step.what} {step.who} {step.value} {lived.refused.get(number, '')}"
        for number, step in enumerate(story.steps)
    )
