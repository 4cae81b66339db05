"""How the rows of the standing suites' world come about: through operations, or plainly where none writes them."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, SolarSchedule

from campaigns.lifecycle import RUN
from campaigns.models import (
    Campaign,
    CampaignVersion,
    Decision,
    Enrollment,
    MessageContent,
    MessageIntent,
    Suppression,
    Template,
    TemplateVersion,
)
from campaigns.operations.planning import plan
from config.engine.clock import now
from config.engine.moves import make_move
from config.staff.access import Role
from entitlements.insight.operations.counting import count_figures
from members.counters.operations import bring_up
from members.counters.wanted import CounterKey
from members.events.operations.keys import make_key
from members.events.operations.taking import take_messages
from members.events.scopes import SCOPES
from members.imports.models import ImportRun
from members.imports.operations.uploads import receive, start_check
from members.imports.operations.work import work
from members.imports.operations.writes import confirm
from members.lifecycle.models import LifecyclePolicy, LifecycleTransition, SweepBrake
from members.lifecycle.operations import policies
from members.merging.models import DuplicatePair
from members.merging.operations.merging import merge_members
from members.people.models import Consent, Identity, Member
from members.plans.models import Plan, Tier
from members.segments.models import Segment
from members.segments.operations.refreshing import refresh_segment
from members.segments.operations.saving import save_segment
from members.segments.operations.uploading import match_upload, receive_upload
from members.segments.schema import read_rule
from members.tags.models import MemberTag, Tag
from members.tags.operations.carrying import give_tag
from members.tags.operations.refreshing import refresh_tag
from members.tags.operations.saving import save_tag
from members.terms.models import MemberSignal
from members.terms.operations import terms
from members.value.models import GroupChange, ModelEvaluation, RfmThresholds, TierCost
from members.value.operations.refreshing import refresh_now
from tests import factories
from tests.suites import benefit_makers

if TYPE_CHECKING:
    from tests.suites.world import World

DAY = timedelta(days=1)


def make_members(world: "World") -> None:
    """Everybody's paid month ends in a few days, so all of them are expiring; the first has ``n`` months behind her."""
    for i in range(world.n):
        months = world.n if i == 0 else 1
        first_day = world.at - 26 * DAY - 30 * (months - 1) * DAY
        member = factories.make_member(at=first_day - 40 * DAY)
        for month in range(months):
            terms.purchase(member_id=member.pk, plan=world.plan, at=first_day + 30 * month * DAY, actor=world.admin)
        for day in range(months):
            factories.make_event(member=member, at=world.at - (day + 1) * DAY, name=f"opened_{day}")
        world.members.append(member)


def make_what_members_carry(world: "World") -> None:
    first = world.members[0]
    for i in range(world.n):
        MemberSignal.objects.create(member=first, kind="uninstalled", at=world.at - (500 + i) * DAY)
        MemberTag.objects.create(
            member=first, code="returned", since=world.at - (i + 2) * DAY, until=world.at - (i + 1) * DAY
        )
        Consent.objects.create(
            member=world.members[i], channel="email", is_granted=True, changed_at=world.at, source="console"
        )
        Identity.objects.create(member=first, kind="openid", value=f"open-{first.pk}-{i}", created_at=world.at)


def make_moves(world: "World") -> None:
    """The first members renewed in time, ``n`` times each: more moves than members who moved."""
    policy = LifecyclePolicy.objects.get(status="active")
    for member in world.members[:2]:
        for i in range(world.n):
            for target in ("stable", "highly_active"):
                LifecycleTransition.objects.create(
                    member=member, from_state="expiring", to_state=target, move="renew", rule="paid_term",
                    policy=policy, effective_at=world.at - (i + 1) * DAY, recorded_at=world.at,
                )  # fmt: skip


def make_catalogues(world: "World") -> None:
    for n in range(world.n):
        factories.UserFactory(role=Role.OPERATOR)
        factories.TierFactory()
        factories.PlanFactory()
        factories.SourceFactory(code=f"source-{n}")


def make_ingest(world: "World") -> None:
    """Keys, messages that wait, traits, and what the catalogue and the sources have counted."""
    source = factories.SourceFactory(code="sending", creates_members=True)
    every_scope = list(SCOPES.codes())
    _key, secret = make_key(source_id=source.pk, label="A program", scopes=every_scope, actor=world.admin, at=world.at)
    world.program = Client(headers={"authorization": f"Bearer {secret}"})
    for i in range(world.n):
        key, _ = make_key(
            source_id=source.pk, label=f"Key {i}", scopes=["events", "profiles"], actor=world.admin, at=world.at
        )
        known = {"userId": f"sent-{i}", "type": "identify", "traits": {f"trait{i}": i}}
        event = {
            "userId": f"sent-{i}",
            "type": "track",
            "event": f"sent_{i}",
            "properties": {f"p{n}": n for n in (0, i)},
        }
        waiting = {"anonymousId": f"visitor-{i}", "type": "page"}
        body = json.dumps({"batch": [known, event, waiting, {}]})
        take_messages(body=body, kind="batch", key_hash=key.key_hash, at=world.at - i * DAY)


def make_policies_and_brakes(world: "World") -> None:
    for i in range(world.n):
        operator = factories.UserFactory(role=Role.OPERATOR)
        LifecyclePolicy.objects.create(
            version=100 + i, status="submitted", created_at=world.at, created_by=operator, changed_by=[operator.pk],
            submitted_at=world.at, submitted_by=operator,
        )  # fmt: skip
        SweepBrake.objects.create(
            raised_at=world.at, swept_at=world.at, base_count=10, held_count=0, limit_count=1,
            matrix=[{"from": "stable", "to": "churned", "members": 9}],
        )  # fmt: skip


def make_segments(world: "World") -> None:
    """Segments of which each names the one before, saved twice and filled."""
    plain = {"kind": "profile.city", "op": "is", "values": ["City 0", "City 1"]}
    before: Segment | None = None
    for i in range(world.n + 1):
        items = [plain, {"kind": "segment.member", "segment": before.pk}] if before else [plain]
        segment: Segment | None = None
        for rule in ({"kind": "any", "items": items}, {"kind": "all", "items": items}):
            segment = save_segment(
                rule=read_rule({"version": 1, "root": rule}), actor=world.admin, at=world.at, name=f"Segment {i}",
                segment_id=segment.pk if segment else None,
            )  # fmt: skip
        refresh_segment(segment_id=segment.pk, at=world.at)
        before = segment


def make_lists(world: "World") -> None:
    """Lists looked up and not saved, each naming everybody and as many whom nobody knows."""
    known = [str(member.pk) for member in world.members]
    for _ in range(world.n):
        text = "\n".join([*known, *(f"9{i:08}" for i in range(world.n))])
        made = receive_upload(
            upload=SimpleUploadedFile("list.txt", text.encode()), kind="number", actor=world.admin, at=world.at
        )
        match_upload(upload_id=made.pk, at=world.at)


def make_tags(world: "World") -> None:
    """Tags saved twice of which each reads the one before, carried by rule and by hand, and values somebody has."""
    first, before = world.members[0], None
    for i in range(world.n):
        tag = None
        for city in ("City 0", "City 1"):
            items = [{"kind": "profile.city", "op": "is_not", "values": [city]}]
            items += [{"kind": "tag.carried", "values": [before.code]}] if before else []
            tag = save_tag(
                rule=read_rule({"version": 1, "root": {"kind": "any", "items": items}}), name=f"Tag {i}", kind="custom",
                actor=world.admin, at=world.at, tag_id=tag.pk if tag else None,
            )  # fmt: skip
        before = tag
        refresh_tag(tag_id=tag.pk, at=world.at)
        given = save_tag(name=f"Given {i}", kind="custom", actor=world.admin, at=world.at)
        give_tag(member_id=first.pk, tag_id=given.pk, actor=world.admin, at=world.at)
        Member.objects.filter(pk=world.members[i].pk).update(channel=f"Channel {i}")
    channel = Tag.objects.get(code="channel")
    refresh_tag(tag_id=channel.pk, at=world.at)


def make_value(world: "World") -> None:
    """Everybody scored, and ``n`` of what else value keeps: thresholds, costs, moves, refreshes and measurements."""
    for tier in Tier.objects.all():
        TierCost.objects.update_or_create(tier=tier, defaults={"monthly_cents": 500})
    for sold in Plan.objects.all():
        RfmThresholds.objects.create(plan=sold)
    for i in range(world.n):
        refresh_now(at=world.at - (world.n - i) * DAY)
        GroupChange.objects.create(member=world.members[0], from_group=1, to_group=2, at=world.at - i * DAY)
        ModelEvaluation.objects.create(
            dataset=f"Data {i}", seed=i, train_rows=7, test_rows=3, auc=0.8, brier=0.1, weights_version="000000000000",
            splits=100, auc_low=0.79, auc_high=0.81, brier_low=0.1, brier_high=0.11,
            calibration=[{"rows": 3, "foretold": 0.5, "happened": 0.5}], made_at=world.at,
        )  # fmt: skip


def make_counters(world: "World") -> None:
    """Counters of one event in windows of one day more each."""
    keys = [CounterKey("opened_0", 86_400 * (day + 1)) for day in range(world.n)]
    bring_up(keys=keys, at=world.at)


def make_imports(world: "World") -> None:
    """Files in every hand: waiting, refused, written and changing every member, and checked with faults."""
    for i in range(world.n):
        receive(upload=_csv(f"name,phone\nNew {i},1390000{i:04}\n"), actor=world.admin, at=world.at)
    changes = "".join(
        f"{Identity.objects.get(member=member, kind='external_id').value},City {i}\n"
        for i, member in enumerate(world.members)
    )
    written = _checked(world, "external_id,city\n" + changes)
    confirm(run_id=written.pk, mode="all", actor=world.admin, at=world.at)
    work(run_id=written.pk, at=world.at)
    faults = "".join(f"new-{i},2026-02-30\n" for i in range(world.n))
    _checked(world, "external_id,birthday\n" + "good,1990-01-01\n" + faults)


def _csv(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("members.csv", text.encode())


def _checked(world: "World", text: str) -> ImportRun:
    run = receive(upload=_csv(text), actor=world.admin, at=world.at)
    start_check(run_id=run.pk, mapping=run.mapping, options={})
    work(run_id=run.pk, at=world.at)
    return run


def make_messages(world: "World") -> None:
    """Everybody is in the renewal cadence; the first also has ``n`` messages of earlier terms."""
    campaign = Campaign.objects.select_related("current_version").get(code="renewal-cadence")
    if campaign.status == "draft":
        make_move(campaign, RUN)
        campaign.save(update_fields=["status"])
    plan(at=world.at)
    for i in range(world.n):
        Enrollment.objects.create(
            member=world.members[0], campaign=campaign, version=campaign.current_version, occurrence=-i - 1,
            anchor_at=world.at, entered_at=world.at,
        )  # fmt: skip
        message = MessageIntent.objects.create(
            member=world.members[0], campaign=campaign, version=campaign.current_version, occurrence=-i - 1,
            step_key="d7", channel="email", due_at=world.at, expires_at=world.at + DAY, planned_at=world.at,
        )  # fmt: skip
        MessageContent.objects.create(intent=message, context={}, written_at=world.at)
        Decision.objects.create(intent=message, at=world.at, move="suppress", reason="renewed")
        Suppression.objects.create(channel="email", address=f"refused{i}@example.com", cause="refused", since=world.at)


def make_sent_messages(world: "World") -> None:
    """Messages that went out with a text in HTML."""
    campaign = Campaign.objects.select_related("current_version").get(code="renewal-cadence")
    template = Template.objects.create(code="written", channel="email", name="Written")
    written = TemplateVersion.objects.create(
        template=template, language="en", number=1, subject="Hello", body_text="Hello", body_html="<p>Hello</p>",
        published_at=world.at,
    )  # fmt: skip
    for i in range(world.n):
        sent = MessageIntent.objects.create(
            member=world.members[i], campaign=campaign, version=campaign.current_version, occurrence=-i - 1,
            step_key="d3", channel="email", due_at=world.at, expires_at=world.at + DAY, planned_at=world.at,
        )  # fmt: skip
        MessageIntent.objects.filter(pk=sent.pk).update(
            status="sent", on_wire_at=world.at, finished_at=world.at, template_version=written
        )
        MessageContent.objects.create(intent=sent, context={"member": {"name": "Ann"}}, written_at=world.at)


def make_campaigns(world: "World") -> None:
    for i in range(world.n):
        campaign = Campaign.objects.create(code=f"campaign-{i}", name=f"Campaign {i}", created_at=world.at)
        CampaignVersion.objects.create(campaign=campaign, number=1, definition={}, published_at=world.at)
        template = Template.objects.create(code=f"template-{i}", channel="email", name=f"Template {i}")
        TemplateVersion.objects.create(
            template=template, language="en", number=1, subject="Hello", body_text="Hello", published_at=world.at
        )


def make_duplicates(world: "World") -> None:
    """Pairs of the first member with others, and others who were merged into her."""
    for i in range(world.n):
        like_her = factories.make_member(at=world.at, display_name=f"Like {i}")
        DuplicatePair.objects.create(
            member_a=world.members[0], member_b=like_her, reasons=["phone"], strength=85, found_at=world.at
        )
        same = factories.make_member(at=world.at, display_name=f"Same {i}")
        merge_members(actor=world.admin, at=world.at, survivor_id=world.members[0].pk, absorbed_id=same.pk)


def make_records_of_others(world: "World") -> None:
    """Rows of the packages we use, whose pages stand in the admin."""
    for i in range(world.n):
        Group.objects.create(name=f"Group {i}")
        ClockedSchedule.objects.create(clocked_time=world.at + i * DAY)
        CrontabSchedule.objects.create(minute=f"{i % 60}")
        SolarSchedule.objects.create(event="sunrise", latitude=i, longitude=i)
        AccessAttempt.objects.create(
            username=f"tried-{i}", ip_address="127.0.0.1", user_agent="", failures_since_start=1
        )
        AccessLog.objects.create(username=f"came-{i}", ip_address="127.0.0.1", user_agent="")
        AccessFailureLog.objects.create(username=f"failed-{i}", ip_address="127.0.0.1", user_agent="")


def make_previews(world: "World") -> None:
    """A draft of the lifecycle policy, looked at: the covered would be about to expire or stable at once."""
    draft = policies.REVIEW.propose(
        actor=world.admin,
        at=world.at,
        note="Longer windows",
        expiring_window_days=60,
        expiring_fraction=1.0,
        tenure_days=0,
        stable_active_weeks=0,
    )
    policies.REVIEW.look_ahead(draft.pk, at=now())


def make_counts_fresh(world: "World") -> None:
    """What is counted now and then is counted once more, so that every figure is of the world as it stands."""
    at = now()
    for segment in Segment.objects.live():
        refresh_segment(segment_id=segment.pk, at=at)
    for tag in Tag.objects.all():
        refresh_tag(tag_id=tag.pk, at=at)
    count_figures(at=at)


ALL = (
    make_records_of_others,
    make_members,
    make_what_members_carry,
    make_moves,
    make_catalogues,
    make_ingest,
    make_policies_and_brakes,
    make_messages,
    make_sent_messages,
    make_imports,
    make_segments,
    make_counters,
    make_lists,
    make_tags,
    make_value,
    make_campaigns,
    *benefit_makers.ALL,
    make_duplicates,
    make_previews,
    make_counts_fresh,
)
