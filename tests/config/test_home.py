"""The first page, the audit log and the palette."""

from datetime import timedelta

import pytest
from django.urls import reverse

from config.audit.record import audit
from entitlements.benefits.models import LadderVersion
from entitlements.ladder import operations as ladder
from entitlements.tiers.operations import policies as tier_policies
from members.lifecycle.models import MemberLifecycle, SweepBrake
from members.lifecycle.operations import policies
from members.people.models import Member
from members.terms.operations import terms
from tests import factories
from tests.entitlements.making import make_benefit
from tests.entitlements.tiers.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


def test_home_of_an_empty_installation(viewer_client):
    page = viewer_client.get(reverse("console:home")).content.decode()
    assert "Nothing waits for you" in page


def test_each_number_opens_the_list_behind_it(viewer_client, now):
    member = factories.make_member(at=now - timedelta(days=60))
    plan = factories.PlanFactory()
    factories.make_term(member=member, at=now - timedelta(days=28), plan=plan)
    response = viewer_client.get(reverse("console:home"))
    expiry = response.context["expiry"]
    assert expiry.manual == 1
    assert len(viewer_client.get(expiry.manual_href).context["listing"].rows) == 1
    assert len(viewer_client.get(expiry.automatic_href).context["listing"].rows) == 0
    for bar in expiry.bars:
        assert len(viewer_client.get(bar.href).context["listing"].rows) == bar.day.total
    for node in response.context["lifecycle"].nodes:
        assert viewer_client.get(node["href"]).context["listing"].count == node["count"]
    for move in response.context["lifecycle"].moves:
        assert len(viewer_client.get(move["href"]).context["listing"].rows) == move["members"]


def test_ways_back_are_counted(viewer_client, now):
    member = factories.make_member(at=now - timedelta(days=60))
    factories.make_term(member=member, at=now - timedelta(days=28))
    terms.renew_membership(member_id=member.pk, at=now, actor=None)
    lifecycle = viewer_client.get(reverse("console:home")).context["lifecycle"]
    assert lifecycle.back["renewed"]["count"] == 1
    assert len(viewer_client.get(lifecycle.back["renewed"]["href"]).context["listing"].rows) == 1
    assert lifecycle.back["returned"]["count"] == 0


def test_whoever_moved_twice_is_one_member(viewer_client, now):
    member = factories.make_member(at=now - timedelta(days=60))
    factories.make_term(member=member, at=now - timedelta(days=28))
    terms.renew_membership(member_id=member.pk, at=now, actor=None)
    once = member.transitions.get(from_state="expiring")
    for to_state in (once.to_state, "highly_active"):
        once.pk, once.to_state = None, to_state
        once.save(force_insert=True)
    lifecycle = viewer_client.get(reverse("console:home")).context["lifecycle"]
    assert lifecycle.back["renewed"]["count"] == 1
    assert {move["members"] for move in lifecycle.moves} == {1}


def test_a_brake_says_whom_it_still_holds(viewer_client, now):
    brake = SweepBrake.objects.create(raised_at=now, swept_at=now, base_count=9, held_count=7, limit_count=1, matrix=[])
    held = factories.make_member(at=now)
    MemberLifecycle.objects.filter(member=held).update(brake=brake)
    (item,) = [item for item in viewer_client.get(reverse("console:home")).context["work"] if item.type == "Brake"]
    assert item.count == 1
    assert len(viewer_client.get(item.count_href).context["listing"].rows) == 1


def test_a_policy_waits_for_the_second_person(operator, approver_client, viewer_client, now):
    policy = policies.REVIEW.propose(actor=operator, at=now, note="shorter grace", grace_days=2)
    policies.REVIEW.look_ahead(policy.pk, at=now)
    policies.REVIEW.submit(policy.pk, actor=operator, at=now)
    (item,) = approver_client.get(reverse("console:home")).context["work"]
    assert item.href == reverse("members:policy", args=[policy.pk])
    assert item.action == "Review and approve"
    (item,) = viewer_client.get(reverse("console:home")).context["work"]
    assert item.action == "Look"


def test_a_tier_policy_waits_for_the_second_person(approver_client, viewer_client, now):
    world = World(now)
    policy = world.draft(now)
    tier_policies.REVIEW.look_ahead(policy.pk, at=now)
    tier_policies.REVIEW.submit(policy.pk, actor=world.proposer, at=now)
    (item,) = approver_client.get(reverse("console:home")).context["work"]
    assert item.href == reverse("tiers:policy", args=[policy.pk])
    assert item.title.startswith(f"Qualification policy v{policy.version}")
    assert item.action == "Review and approve"
    (item,) = viewer_client.get(reverse("console:home")).context["work"]
    assert item.action == "Look"


def test_a_ladder_waits_for_the_second_person(approver_client, operator, operator_client, now):
    cell = {"amount": 5, "level": "", "is_held_in_grace": True, "early_hours": 0}
    ladder.set_cell(benefit=make_benefit(), tier=None, plan=None, values=cell, actor=operator, at=now)
    draft = LadderVersion.objects.coming().get()
    home = reverse("console:home")
    assert not approver_client.get(home).context["work"]
    ladder.submit_ladder(version_id=draft.pk, actor=operator, at=now, note="Five for all")
    (item,) = approver_client.get(home).context["work"]
    assert (item.href, item.action) == (reverse("ladder:index"), "Review and approve")
    assert item.title == f"Ladder v{draft.version}: Five for all"
    (item,) = operator_client.get(home).context["work"]
    assert item.action == "Look"
    ladder.REVIEW.reject(draft.pk, actor=factories.UserFactory(), at=now, reason="")
    assert not approver_client.get(home).context["work"]


def test_a_silent_source_is_named(viewer_client, now):
    heard = {"connected_at": now - timedelta(days=9), "stale_after_hours": 24}
    silent = factories.SourceFactory(code="a", name="Shop", last_event_at=now - timedelta(hours=25), **heard)
    factories.SourceFactory(code="b", last_event_at=now - timedelta(hours=23), **heard)
    factories.SourceFactory(code="c", name="Never connected", stale_after_hours=24)
    (item,) = viewer_client.get(reverse("console:home")).context["work"]
    assert "Shop" in item.title
    assert item.href == reverse("ingest:source", args=[silent.pk])


def test_the_window_is_swapped_alone(viewer_client):
    address = reverse("console:home") + "?days=30"
    response = viewer_client.get(address, headers={"HX-Request": "true", "HX-Target": "lifecycle"})
    assert b"<html" not in response.content
    assert "Members who moved in 30 days" in response.content.decode()
    assert response["Vary"].startswith("HX-Request, HX-Target")
    assert viewer_client.get(reverse("console:home") + "?days=9").context["lifecycle"].days == 7


def audited(now, n, **values):
    for i in range(n):
        audit(Member(pk=7), "term.paid", actor=None, at=now - timedelta(minutes=i // 2), **values)


def test_audit_log_pages_show_every_entry_once(viewer_client, now, monkeypatch):
    monkeypatch.setattr("config.home.audit_log.PAGE_SIZE", 3)
    audited(now, 8)
    seen, address = [], reverse("console:audit")
    while address:
        log = viewer_client.get(address).context["log"]
        seen += [line.entry.pk for line in log.lines]
        address = log.earlier_url
    assert len(seen) == len(set(seen)) == 8


def test_audit_log_filters(viewer_client, viewer, now):
    audited(now, 1)
    audit(Member(pk=8), "member.edited", actor=viewer, at=now)

    def found(**params):
        return [line.entry.action for line in viewer_client.get(reverse("console:audit"), params).context["log"].lines]

    assert found(member=8) == ["member.edited"]
    assert found(action="term.paid") == ["term.paid"]
    assert found(actor=viewer.pk) == ["member.edited"]
    assert found(day=(now - timedelta(days=2)).date()) == []
    assert found(action="nonsense") == []


def test_palette_finds_members_pages_and_actions(viewer_client, operator_client, now):
    factories.make_member(at=now, display_name="王小明", identities={"phone": "13812342716"})
    page = viewer_client.post(reverse("console:search"), {"q": "13812342716"}).content.decode()
    assert "王*明" in page
    assert "138****2716" in page
    assert "王小明" not in page
    assert "<html" not in page
    assert reverse("members:new") not in viewer_client.post(reverse("console:search"), {"q": "new"}).content.decode()
    assert reverse("members:new") in operator_client.post(reverse("console:search"), {"q": "new"}).content.decode()
    assert "Audit log" in viewer_client.post(reverse("console:search")).content.decode()
    assert "Nothing found" in viewer_client.post(reverse("console:search"), {"q": "zzzz"}).content.decode()
