"""A world of ``n`` of everything: what the standing suites call every address with and count queries over."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from campaigns.models import MessageIntent
from campaigns.operations.copy import unsubscribe_token
from config.staff.access import Role
from config.staff.models import User
from entitlements.benefits.models import Benefit, LadderVersion
from entitlements.codes.models import CodePool
from entitlements.grants.models import Grant
from entitlements.offers.models import Coupon
from entitlements.usage.models import UsageRecord
from members.imports.models import ImportRun
from members.people.models import Member
from members.segments.dimensions import DIMENSIONS
from members.segments.models import Segment
from members.tags.models import Tag
from members.terms.models import MembershipTerm
from tests import factories
from tests.suites import makers

OUR_APPS = ("staff", "console", "members", "entitlements", "tasks_engine", "campaigns")

# Models of which there can be only a fixed number of rows.
FIXED = {
    "campaigns.DeliveryPolicy",
    "campaigns.Channel",
    "entitlements.FactCursor",
    "entitlements.Offence",
    # Gone with the next look.
    "entitlements.TierArrival",
    "entitlements.TierCursor",
    "members.ValueSettings",
}


class World:
    """``n`` members around ``at``, the first of whom has ``n`` of everything a member can have."""

    def __init__(self, n: int, at: datetime) -> None:
        self.n, self.at = n, at
        self.admin: User = factories.UserFactory(role=Role.ADMIN)
        self.plan = factories.PlanFactory()
        self.members: list[Member] = []
        self.program: Client  # holds a key for everything programs may ask
        for maker in makers.ALL:
            maker(self)
        self.member = self.members[0]

    def argument(self, route: Any, name: str) -> Any:
        """A value for ``name`` in ``route`` that leads to an existing thing."""
        model_admin = getattr(route.callback, "model_admin", None)
        if model_admin is not None and name == "object_id":
            return newest(model_admin.model._meta.label)(self)
        source = ARGUMENTS.get((route.full_name, name)) or ARGUMENTS.get(name)
        if source is None:
            raise LookupError(f"{route}: tell tests/suites/world.py which value “{name}” takes")
        return source(self)


def newest(label: str) -> Callable[[World], Any]:
    """The primary key of the newest row of a model, found by its label."""

    def find(world: World) -> Any:
        found = apps.get_model(label)._default_manager.order_by("pk").values_list("pk", flat=True).last()
        if found is None:
            raise LookupError(f"nothing makes a row of {label}: add it to tests/suites/makers.py")
        return found

    return find


def _message_of(world: World) -> MessageIntent:
    return MessageIntent.objects.filter(member=world.member).latest("pk")


ARGUMENTS: dict[Any, Callable[[World], Any]] = {
    "content_type_id": lambda world: ContentType.objects.get_for_model(Member).pk,
    "app_label": lambda world: "django_celery_beat",
    ("admin:view_on_site", "object_id"): lambda world: world.member.pk,
    "member_id": lambda world: world.member.pk,
    "term_id": lambda world: MembershipTerm.objects.filter(member=world.member).latest("ends_at").pk,
    "brake_id": newest("members.SweepBrake"),
    "policy_id": newest("members.LifecyclePolicy"),
    "run_id": lambda world: ImportRun.objects.filter(status="checked").latest("pk").pk,
    "token": lambda world: unsubscribe_token(_message_of(world).pk),
    "intent_id": lambda world: _message_of(world).pk,
    ("campaigns:message-html", "intent_id"): lambda world: MessageIntent.objects.filter(status="sent").latest("pk").pk,
    "message_id": lambda world: _message_of(world).pk,
    "suppression_id": newest("campaigns.Suppression"),
    "campaign_id": newest("campaigns.Campaign"),
    "plan_id": newest("members.Plan"),
    "tier_id": newest("members.Tier"),
    "user_id": newest("staff.User"),
    "key_id": newest("members.WriteKey"),
    "source_id": newest("members.Source"),
    "segment_id": newest("members.Segment"),
    "upload_id": newest("members.SegmentUpload"),
    # The newest that is no value of another, which has a page to change it.
    "tag_id": lambda world: Tag.objects.filter(parent=None).latest("pk").pk,
    "definition_id": newest("members.EventDefinition"),
    "pair_id": newest("members.DuplicatePair"),
    "record_id": newest("members.MergeRecord"),
    "version_id": lambda world: LadderVersion.objects.coming().get().pk,
    "tier": lambda world: world.plan.tier.code,
    "plan": lambda world: world.plan.code,
    "benefit": lambda world: Benefit.objects.earliest("pk").code,
    "offer_id": newest("entitlements.Offer"),
    "coupon_id": newest("entitlements.Coupon"),
    # One that can be redeemed.
    ("offers:redeem", "coupon_id"): lambda world: Coupon.objects.filter(status="issued").latest("pk").pk,
    "issue_run_id": newest("entitlements.IssueRun"),
    "honour_id": newest("entitlements.Honour"),
    "honour_run_id": newest("entitlements.HonourRun"),
    "pool_id": newest("entitlements.CodePool"),
    "pool_code": lambda world: CodePool.objects.latest("pk").code,
    "seat_id": newest("entitlements.Seat"),
    "code_id": newest("entitlements.PartnerCode"),
    "external_id": lambda world: world.member.identities.get(kind="external_id").value,
    "code": lambda world: world.member.coupons.latest("pk").code,
    ("offers:new", "kind"): lambda world: "return_ladder",
    "benefit_id": newest("entitlements.Benefit"),
    "pack_id": newest("entitlements.Pack"),
    # One that somebody gave: what the ladder gives is not voided by hand.
    "grant_id": lambda world: Grant.objects.given().filter(voided_at=None).latest("pk").pk,
    "usage_id": lambda world: UsageRecord.objects.filter(outcome="used", reversal=None).latest("pk").pk,
    "benefit_code": lambda world: Benefit.objects.earliest("pk").code,
    "flag": lambda world: Benefit.objects.earliest("pk").code,
    "lock_id": newest("entitlements.RenewalLock"),
    "rule_id": newest("entitlements.RestoreRule"),
    "in_list": lambda world: "members",
    **{
        (f"tiers:{route}", "policy_id"): newest("entitlements.QualificationPolicy")
        for route in (
            "policy",
            "policy-edit",
            "policy-preview",
            "policy-members",
            "policy-submit",
            "policy-discard",
            "policy-approve",
            "policy-reject",
        )
    },
    **{
        (f"tiers:{route}", "brake_id"): newest("entitlements.TierBrake")
        for route in ("brake", "brake-approve", "brake-release")
    },
}


def _two_segments(world: World) -> list[str]:
    first, second = Segment.objects.live().order_by("pk").values_list("pk", flat=True)[:2]
    return [f"?s={first}&s={second}"]


# What pages show beyond their plain address, by the name of the page: queries that their own links carry.
ASKED: dict[str, Callable[[World], list[str]]] = {
    "console:home": lambda world: ["?days=30"],
    "members:list": lambda world: ["?auto=off", "?state=expiring&auto=off"],
    "campaigns:messages": lambda world: ["?status=suppressed&channel=email"],
    "ladder:index": lambda world: ["?view=cost"],
    "tiers:policy-members": lambda world: ["?what=now", "?what=later"],
    "members:policy-members": lambda world: ["?what=state&to=expiring", "?what=standing"],
    "segments:compare": _two_segments,
    "segments:breakdown": lambda world: [f"?by={dimension.code}" for dimension in DIMENSIONS],
    "segments:history": lambda world: ["?way=left"],
}
