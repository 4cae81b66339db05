"""Honours and advisers for the crowd: runs in every status, worn or over, advisers who left, members not entitled."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from config.staff.models import User
from entitlements.benefits.models import Benefit
from entitlements.honours.models import Adornment, AdviserAssignment, Honour, HonourAward, HonourRun
from members.people.models import Member

HONOURS, ADVISERS = ["friend", "walker"], ["lin", "zhou", "left"]
# The benefit that gives an adviser.
ADVISER_BENEFIT = "album"


class Wearers:
    """What members are given honours and advisers from; ``at`` is when everything was made."""

    def __init__(self, draw: random.Random, at: datetime, instant: Callable[[], datetime]) -> None:
        self.draw, self.at = draw, at
        Adornment.objects.create(benefit=Benefit.objects.get(code=ADVISER_BENEFIT), form="adviser")
        self.users = [User.objects.create(username=name, is_active=name != "left") for name in ADVISERS]
        self.runs = [self._run(code, year, instant()) for code in HONOURS for year in (2024, 2025)]

    def _run(self, code: str, year: int, decided_at: datetime) -> HonourRun:
        honour, _ = Honour.objects.get_or_create(
            code=code, defaults={"name": code, "measure": "spend", "created_at": self.at}
        )
        status = self.draw.choice(["given", "given", "given", "voided"])
        lasts = timedelta(days=self.draw.choice([1, 7, 400]))
        return HonourRun.objects.create(
            honour=honour, year=year, status=status, measure="spend", top=100, begun_at=self.at, decided_at=decided_at,
            worn_until=self.draw.choice([None, decided_at + lasts]),
        )  # fmt: skip

    def give(self, member: Member) -> None:
        for run in self.runs:
            if self.draw.random() < 0.3:
                HonourAward.objects.create(run=run, member=member, rank=run.awards.count() + 1, value=1)
        for over in (True, False):
            if self.draw.random() < 0.5:
                AdviserAssignment.objects.create(
                    member=member, adviser=self.draw.choice(self.users), assigned_at=self.at,
                    ended_at=self.at if over else None,
                )  # fmt: skip


def load(people: dict[int, Any]) -> None:
    """The awards and advisers of everybody, read row by row from the tables."""
    runs = {"status": "run__status", "year": "run__year", "decided_at": "run__decided_at"}
    paths = {**runs, "worn_until": "run__worn_until", "code": "run__honour__code"}
    for row in HonourAward.objects.annotate(**{name: F(path) for name, path in paths.items()}).values():
        people[row["member_id"]].awards.append(row)
    whom = {"name": F("adviser__username"), "is_active": F("adviser__is_active")}
    for row in AdviserAssignment.objects.annotate(**whom).values():
        people[row["member_id"]].advisers.append(row)
