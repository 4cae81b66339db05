"""A ladder of three tiers, members who spend, and policies put in force by two people."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from config.staff.access import Role
from entitlements.tiers.models import QualificationPolicy, TierChange, TierStanding
from entitlements.tiers.operations import assessing, policies
from entitlements.tiers.operations.policies import Asked
from members.events.models import EventDefinition, Source
from members.events.operations.recording import record_events
from members.people.models import Member
from members.plans.models import Tier
from tests import factories

DAY = timedelta(days=1)
SPEND = {"silver": 10_000, "gold": 50_000, "black": 100_000}


class World:
    def __init__(self, at: datetime) -> None:
        self.at = at
        self.tiers = {
            code: Tier.objects.create(code=code, name=code.title(), position=position)
            for position, code in enumerate(SPEND, start=1)
        }
        EventDefinition.objects.create(name="bought", carries_money=True, is_activity=False)
        self.source: Source = factories.SourceFactory(code="shop")
        self.proposer, self.approver = (factories.UserFactory(role=role) for role in (Role.OPERATOR, Role.APPROVER))
        self.serial = 0

    def asked(self, joined_by: str = "all", **thresholds: dict[str, int]) -> list[Asked]:
        return [Asked(self.tiers[code].pk, joined_by, own) for code, own in thresholds.items()]

    def draft(self, at: datetime | None = None, rungs: Iterable[Asked] | None = None, **conditions: Any):
        by_spend = self.asked(**{code: {"spend": cents} for code, cents in SPEND.items()})
        chosen = by_spend if rungs is None else rungs
        return policies.REVIEW.propose(
            actor=self.proposer, at=at or self.at, note="A change", rungs=chosen, **conditions
        )

    def policy(self, at: datetime | None = None, **conditions: Any) -> QualificationPolicy:
        """In force, and rolled out."""
        at = at or self.at
        draft = self.draft(at, **conditions)
        policies.REVIEW.look_ahead(draft.pk, at=at)
        policies.REVIEW.submit(draft.pk, actor=self.proposer, at=at)
        found = policies.REVIEW.approve(draft.pk, actor=self.approver, at=at, reason="")
        assessing.assess(at=at)
        return found

    def member(self, joined: datetime, **values: Any) -> Member:
        return factories.make_member(at=joined, registered_at=joined, **values)

    def pay(self, member: Member, cents: int, at: datetime) -> None:
        self.serial += 1
        record_events(
            rows=[{"member_id": member.pk, "name": "bought", "occurred_at": at, "message_id": f"p{self.serial}",
                   "value_cents": cents, "currency": "CNY"}],
            source=self.source, at=at,
        )  # fmt: skip

    def assess(self, at: datetime) -> assessing.Assessed:
        """A night: everybody is looked at."""
        return assessing.assess_everybody(at=at)


def standing(member: Member) -> TierStanding:
    return TierStanding.objects.select_related("tier", "next_tier", "will_downgrade_to").get(pk=member.pk)


def tier(member: Member) -> str | None:
    found = standing(member).tier
    return found.code if found else None


def path(member: Member) -> list[str | None]:
    rows = TierChange.objects.filter(member=member).select_related("to_tier").order_by("pk")
    return [row.to_tier.code if row.to_tier else None for row in rows]
