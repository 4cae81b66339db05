"""A member's tier as her page shows it: what counts, through what, how long, and the way to the next."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.engine.naming import name_of
from entitlements.tiers.conditions import SOURCES
from entitlements.tiers.measures import MEASURES, Measure
from entitlements.tiers.models import ManualTier, QualificationPolicy, TierRung, TierStanding
from entitlements.tiers.operations.assessing import active_policy
from entitlements.tiers.querysets.standing import live
from members.lifecycle.models import MemberLifecycle
from members.people.console.cards import CARDS, Card
from members.people.console.marks import MARKS, Mark, Marks
from members.plans.models import Tier
from members.value.models import ValueSettings


def register() -> None:
    """Called once, when the app is ready."""
    CARDS.register(Card("tier", "tiers/includes/member.html", TierPortrait))
    MARKS.register(_mark, code="tier")


def _mark(member_id: int, at: datetime) -> Marks:
    """A tier she earned or was given, beside the one she bought, while it is the higher one."""
    portrait = TierPortrait(member_id, at)
    if not (portrait.is_standing and portrait.effective):
        return Marks()
    words = {"tier": name_of(portrait.effective), "through": portrait.through}
    return Marks([Mark(_("%(tier)s, %(through)s") % words, "stairs-up", "chip-on", "#tier")])


@dataclass(frozen=True)
class Line:
    """One requirement: how far she is."""

    measure: Measure
    value: int
    threshold: int

    @property
    def is_reached(self) -> bool:
        return self.value >= self.threshold

    @property
    def missing(self) -> int:
        return max(self.threshold - self.value, 0)


class TierPortrait:
    """Reads each part once, when the page asks for it; ``row`` is None before the first assessment."""

    def __init__(self, member_id: int, at: datetime) -> None:
        self.member_id, self.at = member_id, at

    @cached_property
    def row(self) -> TierStanding | None:
        related = ("tier", "next_tier", "will_downgrade_to", "manual__set_by", "policy", "member__lifecycle")
        return TierStanding.objects.filter(pk=self.member_id).select_related(*related).first()

    @cached_property
    def standing_tier(self) -> Tier | None:
        """The earned or given tier, while it holds."""
        return self.row.tier if self.row and (self.row.until is None or self.row.until > self.at) else None

    @cached_property
    def bought(self) -> Tier | None:
        life = MemberLifecycle.objects.filter(pk=self.member_id).select_related("tier").first()
        return life.tier if life else None

    @property
    def is_standing(self) -> bool:
        """Whether the earned or given tier is above the one she bought."""
        if self.standing_tier is None:
            return False
        return self.bought is None or self.standing_tier.position > self.bought.position

    @property
    def effective(self) -> Tier | None:
        return self.standing_tier if self.is_standing else self.bought

    @property
    def through(self) -> str | Promise:
        if self.effective is None:
            return ""
        return SOURCES[self.row.via] if self.is_standing and self.row else SOURCES["plan"]

    @cached_property
    def given(self) -> ManualTier | None:
        """The tier given by hand that is in force, be it the highest or not."""
        return self.given_tiers[0] if self.given_tiers else None

    @cached_property
    def given_tiers(self) -> list[ManualTier]:
        """The highest counts; after a merge others may stand behind it."""
        rows = ManualTier.objects.filter(live(self.at), member_id=self.member_id, ended_at=None)
        return list(rows.select_related("tier", "set_by", "member__lifecycle").order_by("-tier__position", "pk"))

    @property
    def stands_until(self) -> datetime | None:
        """When the earned or given tier ends, as far as is known."""
        if self.row is None:
            return None
        return self.row.until if self.row.via == TierStanding.Via.MANUAL else self.row.lasts_until

    @property
    def is_held(self) -> bool:
        """Whether an assessment that stopped holds the tier until a person decides."""
        return bool(self.row and self.row.brake_id)

    @cached_property
    def policy(self) -> QualificationPolicy:
        return active_policy()

    @property
    def is_judged(self) -> bool:
        """Whether she was assessed by the policy in force."""
        return self.row is not None and self.row.policy_id == self.policy.pk

    @property
    def gap_measure(self) -> Measure | None:
        return MEASURES.get(self.policy.gap_measure)

    @cached_property
    def next_rung(self) -> TierRung | None:
        if not (self.is_judged and self.row and self.row.next_tier_id):
            return None
        rungs = TierRung.objects.filter(policy=self.policy, tier_id=self.row.next_tier_id)
        return rungs.prefetch_related("rules").first()

    @property
    def lines(self) -> list[Line]:
        """What the next tier asks, as it was last counted."""
        if self.next_rung is None or self.row is None:
            return []
        counted = self.row.facts.get("now", {})
        return [
            Line(measure, counted.get(rule.measure, 0), rule.threshold)
            for rule in self.next_rung.rules.all()
            if (measure := MEASURES.get(rule.measure))
        ]

    @property
    def counted_since(self) -> str:
        return str(self.row.facts.get("since", "")) if self.row else ""

    @property
    def judged_on(self) -> str:
        """The local date on which the earned tier is judged next."""
        return str(self.row.facts.get("judged_on") or "") if self.row else ""

    @property
    def is_secured(self) -> bool:
        """Whether what is counted so far keeps the earned tier for another period."""
        return bool(self.row and self.row.facts.get("secured"))

    @cached_property
    def currency(self) -> str:
        return ValueSettings.currency_now()
