"""The tier pages, who may open them, and what they do."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape

from config.audit.models import AuditEntry
from entitlements.benefits.models import Benefit
from entitlements.tiers.models import ManualTier, QualificationPolicy, TierBrake, TierChange, TierStanding
from entitlements.tiers.operations import assessing, manual, policies
from members.events.operations.recording import prepare_partitions
from members.foreseen.operations import KEY, kept_changes
from members.foreseen.querysets import FigureAsked
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.console.timeline import read
from members.people.models import Member
from tests.conftest import signed_in_client
from tests.entitlements.tiers.world import DAY, World, standing, tier

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


@pytest.fixture
def world(db) -> World:
    from config.engine.clock import now

    prepare_partitions(at=now())
    return World(now())


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def test_the_overview_counts_members_by_effective_tier_and_leads_to_them(world, viewer_client):
    world.policy()
    members = [world.member(world.at - 100 * DAY) for _ in range(3)]
    for member in members[:2]:
        world.pay(member, 10_000, world.at - DAY)
    world.assess(world.at)
    silver = world.tiers["silver"].pk
    page = text_of(viewer_client.get(reverse("tiers:overview")))
    listed = f"/console/members/?by=tier_through.{silver}%3Aqualified"
    assert f'<a href="{listed}" data-count="2">2</a>' in page
    assert viewer_client.get(listed).context["listing"].count == 2
    assert f'{reverse("tiers:changes")}?direction=up&amp;days=30" data-count="2">2</a>' in page
    assert members[0].display_name[-1] in text_of(viewer_client.get(f"{reverse('tiers:changes')}?direction=up"))
    assert "Nobody moved" in text_of(viewer_client.get(f"{reverse('tiers:changes')}?direction=down"))


def test_the_moves_of_30_days_are_listed_as_they_are_counted(world, viewer_client, monkeypatch):
    policy = world.policy()
    members = [world.member(world.at - 100 * DAY) for _ in range(3)]
    for member, days in zip(members, (31, 29, 1), strict=True):
        TierChange.objects.create(
            member=member, to_tier=world.tiers["silver"], is_up=True, via="qualified", policy=policy,
            at=world.at - days * DAY,
        )  # fmt: skip
    overview = viewer_client.get(reverse("tiers:overview")).context["overview"]
    assert overview.moved == {"up": 2, "down": 0}
    monkeypatch.setattr("entitlements.tiers.console.pages.Changes.size", 1)
    first = viewer_client.get(overview.moved_hrefs["up"])
    assert "2 moves in the last 30 days" in text_of(first)
    second = viewer_client.get(reverse("tiers:changes") + first.context["changes"].next_url)
    assert "2 moves in the last 30 days" in text_of(second)
    assert not second.context["changes"].next_url
    ever = viewer_client.get(reverse("tiers:changes") + second.context["changes"].ever)
    assert ever.context["changes"].count == 3
    assert "in the last" not in text_of(ever)


def test_every_page_means_the_same_by_moved_up(world, viewer_client):
    policy, tiers = world.policy(), list(world.tiers.values())
    for number, days in enumerate((1, 2, 29, 31)):
        TierChange.objects.create(
            member=world.member(world.at - 100 * DAY), to_tier=tiers[number % 2], is_up=True, via="qualified",
            policy=policy, at=world.at - days * DAY,
        )  # fmt: skip
    Benefit.objects.create(code="quota", name="Quota", created_at=world.at)
    overview = viewer_client.get(reverse("tiers:overview")).context["overview"]
    response = viewer_client.get(reverse("ladder:index"))
    columns = [column for column in response.context["ladder"].columns if column.tier]
    assert {column.tier: column.moved_up for column in columns if column.moved_up} == {tiers[0]: 2, tiers[1]: 1}
    assert sum(column.moved_up for column in columns) == overview.moved["up"] == 3
    for column in columns:
        assert f'href="{escape(column.moves_href)}" data-count="{column.moved_up}"' in text_of(response)
        assert viewer_client.get(column.moves_href).context["changes"].count == column.moved_up


def test_a_policy_goes_from_a_draft_into_force_by_two_people(world, operator_client, approver_client):
    member = world.member(world.at - 100 * DAY)
    world.pay(member, 30_000, world.at - DAY)
    silver, gold = world.tiers["silver"].pk, world.tiers["gold"].pk
    form = {
        "period": "calendar", "period_months": 12, "downgrade": "one_step", "grace_days": 30, "notice_days": 30,
        "plan_is_floor": "on", "gap_measure": "spend", "brake_percent": 5, "brake_floor": 50, "note": "Silver",
        f"tier_{silver}_spend": "200", f"tier_{silver}_joined": "all", f"tier_{gold}_spend": "100",
    }  # fmt: skip
    refused = operator_client.post(reverse("tiers:policy-new"), form)
    assert refused.status_code == 422
    assert "At least as much as the tier below it asks." in text_of(refused)
    made = operator_client.post(reverse("tiers:policy-new"), form | {f"tier_{gold}_spend": "900"})
    draft = QualificationPolicy.objects.get(version=2)
    assert made["Location"] == reverse("tiers:policy", args=[draft.pk])
    assert policies.REVIEW.content_of(draft)["tiers"] == {
        str(silver): ["all", {"spend": 20_000}], str(gold): ["all", {"spend": 90_000}]
    }  # fmt: skip

    def post(client, name):
        return client.post(reverse(f"tiers:policy-{name}", args=[draft.pk]), {"reason": "Right"}, follow=True)

    assert "nobody approves what was not looked at" in text_of(post(operator_client, "submit"))
    page = text_of(post(operator_client, "preview"))
    movers = f"{reverse('tiers:policy-members', args=[draft.pk])}?what=now&amp;from=none&amp;to={silver}"
    assert f'<a href="{movers}" data-count="1">1</a>' in page
    assert not TierStanding.objects.exists()
    assert str(member.pk) in text_of(operator_client.get(movers.replace("&amp;", "&")))
    empty = f"{reverse('tiers:policy-members', args=[draft.pk])}?what=now&from={silver}&to={gold}"
    assert "Nobody would change so" in text_of(operator_client.get(empty))
    anyway = text_of(operator_client.get(movers.replace("&amp;", "&").replace("what=now", "what=now.anyway")))
    assert "From no tier to Silver, anyway" in anyway
    assert "waits for a second person" in text_of(post(operator_client, "submit"))
    assert post(operator_client, "approve").status_code == 403
    assert "in force" in text_of(post(approver_client, "approve"))
    assessing.assess(at=world.at)
    assert tier(member) == "silver"
    assert "Somebody else decided meanwhile" in text_of(post(approver_client, "reject"))


def test_who_proposes_does_not_approve(world, approver):
    client = signed_in_client(approver)
    draft = policies.REVIEW.propose(actor=approver, at=world.at, note="Mine", rungs=world.asked(silver={"spend": 1}))
    policies.REVIEW.look_ahead(draft.pk, at=world.at)
    policies.REVIEW.submit(draft.pk, actor=approver, at=world.at)
    page = client.post(reverse("tiers:policy-approve", args=[draft.pk]), follow=True)
    assert "somebody else has to approve it" in text_of(page)
    assert QualificationPolicy.objects.get(pk=draft.pk).status == "submitted"


def test_looking_ahead_writes_nothing_and_shows_who_falls_at_the_periods_end(world):
    world.policy(downgrade="by_balance", plan_is_floor=False)
    members = [world.member(world.at - 100 * DAY) for _ in range(3)]
    for member, cents in zip(members, (10_000, 60_000, 5_000), strict=True):
        world.pay(member, cents, world.at - timedelta(hours=1))
    world.assess(world.at)
    rows, changes = list(TierStanding.objects.order_by("pk").values()), TierChange.objects.count()
    draft = world.draft(rungs=world.asked(silver={"spend": 5_000}, gold={"spend": 70_000}))
    found = policies.REVIEW.look_ahead(draft.pk, at=world.at).preview
    silver, gold = str(world.tiers["silver"].pk), str(world.tiers["gold"].pk)
    assert found["moves"] == [{"from": "none", "to": silver, "members": 1}]
    assert found["later"] == [{"from": gold, "to": silver, "members": 1}]
    assert found["anyway"] == {"moves": [], "later": []}
    assert (list(TierStanding.objects.order_by("pk").values()), TierChange.objects.count()) == (rows, changes)
    [mover] = kept_changes(found[KEY]).members(FigureAsked("later", gold, silver), behind=0, limit=5)
    assert mover.member_id == members[1].pk


def test_who_would_move_under_the_policy_in_force_too_is_told_and_listed(world, viewer_client):
    world.policy(downgrade="by_balance", plan_is_floor=False)
    members = [world.member(world.at - 100 * DAY) for _ in range(3)]
    for member, cents in zip(members, (10_000, 60_000, 5_000), strict=True):
        world.pay(member, cents, world.at - timedelta(hours=1))
    draft = world.draft(rungs=world.asked(silver={"spend": 5_000}, gold={"spend": 50_000}))
    policies.REVIEW.look_ahead(draft.pk, at=world.at)
    matrices = viewer_client.get(reverse("tiers:policy", args=[draft.pk])).context["matrices"]
    moves = {move.members: move for row in matrices["now"].rows for move in row.cells if move}
    assert {n: move.anyway for n, move in moves.items()} == {2: 1, 1: 1}
    listed = viewer_client.get(moves[2].anyway_href).context["rows"]
    assert [row.member.pk for row in listed] == [members[0].pk]


def test_a_draft_changed_keeps_no_preview(world, operator_client):
    draft = world.draft()
    policies.REVIEW.look_ahead(draft.pk, at=world.at)
    page = operator_client.get(reverse("tiers:policy-edit", args=[draft.pk]))
    form = {bound.html_name: bound.value() for bound in page.context["form"] if bound.value() is not None}
    assert form[f"tier_{world.tiers['gold'].pk}_spend"] == "500"
    operator_client.post(reverse("tiers:policy-edit", args=[draft.pk]), form | {"note": "Other words"})
    draft.refresh_from_db(fields=["note", "preview"])
    assert (draft.note, draft.preview) == ("Other words", None)


def test_a_member_is_told_the_way_to_the_next_tier_in_both_languages(world, operator):
    world.policy()
    member = world.member(world.at - 100 * DAY)
    world.pay(member, 12_000, world.at - DAY)
    world.assess(world.at)
    assert "Spend ¥380 more to reach Gold" in text_of(signed_in_client(operator).get(member.get_absolute_url()))
    entry = next(e for e in read(member.pk, until=world.at, only="tier").entries)
    assert str(entry.title) == "Tier: none → Silver"
    with translation.override("zh-hans"):
        assert str(read(member.pk, until=world.at, only="tier").entries[0].title)


def test_a_tier_is_given_on_the_members_page_and_taken_back(world, operator_client, viewer_client):
    world.policy()
    member = world.member(world.at - 100 * DAY)
    give, back = (reverse(f"tiers:{name}", args=[member.pk]) for name in ("give", "take-back"))
    form = {"tier": world.tiers["gold"].pk, "until_on": "", "reason": "An apology"}
    assert viewer_client.post(give, form).status_code == 403
    assert not ManualTier.objects.exists()
    assert operator_client.post(give, form | {"reason": ""}).status_code == 422
    late = operator_client.post(give, form | {"until_on": "2020-01-01"})
    assert (late.status_code, "This day is over" in text_of(late)) == (422, True)
    assert operator_client.post(give, form).status_code == 302
    page = text_of(operator_client.get(member.get_absolute_url()))
    assert all(words in page for words in ("Given by hand", "An apology", "for good"))
    assert viewer_client.post(back, {"reason": "No"}).status_code == 403
    assert operator_client.post(back, {"reason": "Over"}, headers={"hx-request": "true"}).status_code == 200
    assert tier(member) is None
    again = operator_client.post(back, {"reason": "Over"})
    assert (again.status_code, "no tier given by hand" in text_of(again)) == (422, True)
    assert AuditEntry.objects.filter(member_id=member.pk, action="tier.given").count() == 1


def test_a_brake_is_decided_on_its_page(world, operator_client, approver_client):
    world.policy(brake_percent=1, brake_floor=1)
    for _ in range(3):
        world.pay(world.member(world.at - 100 * DAY), 10_000, world.at - DAY)
    brake = world.assess(world.at).brake
    page = reverse("tiers:brake", args=[brake.pk])
    assert page in text_of(operator_client.get(reverse("tiers:overview")))
    held = text_of(operator_client.get(page))
    assert all(member.get_absolute_url() in held for member in Member.objects.all()), "whom it holds is listed"
    assert reverse("tiers:brake", args=[brake.pk]) in text_of(
        operator_client.get(Member.objects.first().get_absolute_url())
    )
    approve = reverse("tiers:brake-approve", args=[brake.pk])
    assert operator_client.post(approve, {"reason": "Right"}).status_code == 403
    assert TierBrake.objects.get(pk=brake.pk).status == "open"
    assert approver_client.post(approve, {"reason": ""}).status_code == 422
    assert approver_client.post(approve, {"reason": "Right"}).status_code == 302
    assert approver_client.post(approve, {"reason": "Right"}).status_code == 409
    assessing.assess(at=world.at)
    assert "carried out" in text_of(approver_client.get(page))


def test_of_two_given_tiers_a_merge_keeps_the_higher_and_the_other_behind_it(world, operator, admin):
    world.policy()
    survivor, absorbed = world.member(world.at - 100 * DAY), world.member(world.at - 100 * DAY)
    world.pay(absorbed, 10_000, world.at - DAY)
    world.assess(world.at)
    for member, code, until in ((survivor, "gold", world.at + 9 * DAY), (absorbed, "black", world.at + DAY)):
        manual.give_tier(
            member_id=member.pk,
            tier_id=world.tiers[code].pk,
            reason="A guest",
            until=until,
            actor=operator,
            at=world.at,
        )
    merge_members(actor=admin, at=world.at, survivor_id=survivor.pk, absorbed_id=absorbed.pk)
    world.assess(world.at)
    found = standing(survivor)
    assert (found.tier.code, found.qualified_tier.code) == ("black", "silver")
    assert found.facts["now"] == {"spend": 10_000}
    assessing.assess(at=world.at + DAY)
    assert (tier(survivor), standing(survivor).via) == ("gold", "manual")
    assessing.assess(at=world.at + 9 * DAY)
    assert (tier(survivor), standing(survivor).via) == ("silver", "qualified")


def test_a_merge_keeps_the_higher_earned_tier_with_its_dates_and_both_go_back(world, admin):
    world.policy(grace_days=10)
    survivor, absorbed = world.member(world.at - 400 * DAY), world.member(world.at - 400 * DAY)
    world.pay(survivor, 10_000, world.at)
    world.pay(absorbed, 50_000, world.at)
    world.assess(world.at)
    before = {member.pk: _earned(member) for member in (survivor, absorbed)}
    at = world.at + 10 * DAY
    record = merge_members(actor=admin, at=at, survivor_id=survivor.pk, absorbed_id=absorbed.pk)
    assert (tier(survivor), _earned(survivor)) == ("gold", before[absorbed.pk]), "at once, before any other look"
    assert standing(survivor).facts["now"] == {"spend": 60_000}
    world.pay(survivor, 40_000, at + DAY)
    world.assess(at + DAY)
    assert tier(survivor) == "black"
    unmerge_members(actor=admin, at=at + 2 * DAY, record_id=record.pk)
    # What was paid since was the survivor's.
    assert (tier(survivor), standing(survivor).facts["now"]) == ("gold", {"spend": 50_000})
    assert (tier(absorbed), _earned(absorbed)) == ("gold", before[absorbed.pk])


def _earned(member):
    row = standing(member)
    return row.qualified_tier_id, row.judged_on, row.anchor_on
