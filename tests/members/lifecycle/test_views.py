"""Policy, brake and anomalies, through the web."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from config.audit.models import AuditEntry
from entitlements.tiers.models import QualificationPolicy
from members.lifecycle import tasks
from members.lifecycle.models import LifecyclePolicy, LifecycleTransition, MemberLifecycle, SweepBrake
from members.lifecycle.operations import policies, sweep
from members.lifecycle.policy_effects import EFFECTS, Effect
from tests import factories
from tests.conftest import signed_in_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


@pytest.fixture
def expiring_tomorrow(now):
    """A member of a monthly plan with about 10 days left: outside the default window of 7."""
    member = factories.make_member(at=now - timedelta(days=40))
    factories.make_term(member=member, at=now - timedelta(days=20))
    return member


@pytest.mark.parametrize("pages", ["members:policies members:policy", "tiers:policies tiers:policy"])
def test_the_version_an_installation_begins_with_says_so_in_the_readers_language(client_as, pages):
    listed, shown = pages.split()
    model = LifecyclePolicy if listed.startswith("members") else QualificationPolicy
    client = client_as("viewer")
    for address in (reverse(listed), reverse(shown, args=[model.objects.get().pk])):
        page = client.get(address).content.decode()
        assert "What an installation begins with" in page
        assert "Defaults" not in page


def propose(client, **changes):
    current = sweep.active_policy()
    values = {name: getattr(current, name) for name in policies.THRESHOLDS}
    return client.post(reverse("members:policy-new"), {**values, "note": "wider window", **changes})


def newest() -> LifecyclePolicy:
    return LifecyclePolicy.objects.order_by("-version").first()


def act(client, step, policy, **data):
    return client.post(reverse(f"members:policy-{step}", args=[policy.pk]), data)


def test_a_policy_comes_into_force_by_two_people(
    operator_client, operator, approver, expiring_tomorrow, monkeypatch, now
):
    member = expiring_tomorrow
    assert MemberLifecycle.objects.get(pk=member.pk).lifecycle_state == "first_paid"
    assert propose(operator_client, expiring_window_days=20, expiring_fraction=0.9).status_code == 302
    draft = newest()
    assert (draft.version, draft.status, draft.created_by) == (2, "draft", operator)
    act(operator_client, "submit", draft)
    draft = newest()
    assert draft.status == "draft", "nobody approves what was not looked at"

    act(operator_client, "preview", draft)
    preview = newest().preview
    assert preview["moves"] == [{"from": "first_paid", "to": "expiring", "members": 1}]
    assert MemberLifecycle.objects.get(pk=member.pk).lifecycle_state == "first_paid"
    act(operator_client, "submit", draft)
    assert newest().status == "submitted"
    assert act(operator_client, "approve", draft).status_code == 403

    page = signed_in_client(approver)
    assert "Approve and put in force" in page.get(reverse("members:policy", args=[draft.pk])).content.decode()
    act(page, "approve", draft, reason="agreed")
    assert (newest().status, newest().approved_by) == ("active", approver)
    assert LifecyclePolicy.objects.get(version=1).status == "retired"
    tasks.roll_out_policy()
    assert MemberLifecycle.objects.get(pk=member.pk).lifecycle_state == "expiring"
    move = LifecycleTransition.objects.get(member=member, to_state="expiring")
    assert (move.policy, move.actor) == (draft, approver)
    actions = AuditEntry.objects.filter(target_type="lifecycle_policy").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["policy.proposed", "policy.submitted", "policy.approved"]
    assert policies.roll_out_policy(at=now) == 0, "once rolled out, nothing is left"


def test_the_proposer_never_approves_their_own(approver_client, approver, admin):
    propose(approver_client, grace_days=2)
    policy = newest()
    act(approver_client, "preview", policy)
    act(approver_client, "submit", policy)
    act(approver_client, "approve", policy)
    assert newest().status == "submitted"
    assert sweep.active_policy().version == 1


def test_a_rejected_policy_stays_out_of_force(operator_client, approver_client):
    propose(operator_client, grace_days=2)
    policy = newest()
    act(operator_client, "preview", policy)
    act(operator_client, "submit", policy)
    act(approver_client, "reject", policy, reason="too short")
    assert newest().status == "rejected"
    act(approver_client, "approve", policy)
    assert newest().status == "rejected"
    assert AuditEntry.objects.get(action="policy.rejected").reason == "too short"


def standings():
    return {row.pk: (row.membership_status, row.tier_id) for row in MemberLifecycle.objects.all()}


def test_a_shorter_grace_previews_who_loses_status_and_tier_as_it_happens(
    operator_client, approver_client, expiring_tomorrow, now
):
    plan = factories.PlanFactory()
    for _ in range(5):
        member = factories.make_member(at=now - timedelta(days=60))
        factories.make_term(member=member, at=now - timedelta(days=33), plan=plan)
    sweep.sweep_unbraked(at=now, policy=sweep.active_policy())
    before = standings()
    held = [pk for pk, (status, tier_id) in before.items() if status == "grace" and tier_id]
    assert len(held) == 5
    propose(operator_client, grace_days=1)
    policy = newest()
    act(operator_client, "preview", policy)
    found = newest().preview
    assert (found["moves"], found["changed"]) == ([], 5)
    standing = {"from": f"grace:{plan.tier_id}", "to": "expired:none", "members": 5}
    assert found["standings"] == [standing]
    page = operator_client.get(reverse("members:policy", args=[policy.pk]))
    assert [row.members for row in page.context["standings"]] == [5]
    assert "Whose status or tier would change" in page.content.decode()
    act(operator_client, "submit", policy)
    act(approver_client, "approve", policy, reason="right")
    policies.roll_out_policy(at=now + timedelta(seconds=1))
    after = standings()
    assert {pk for pk in after if after[pk] != before[pk]} == set(held)
    assert {after[pk] for pk in held} == {("expired", None)}


def test_changing_a_draft_voids_its_preview(operator_client):
    propose(operator_client, grace_days=2)
    policy = newest()
    act(operator_client, "preview", policy)
    values = {name: getattr(policy, name) for name in policies.THRESHOLDS} | {"grace_days": 1, "note": "shorter"}
    operator_client.post(reverse("members:policy-edit", args=[policy.pk]), values)
    assert (newest().grace_days, newest().preview) == (1, None)


@pytest.mark.parametrize(
    "wrong",
    [{"active_days_keep": 9}, {"stable_active_weeks": 5}, {"grace_days": 0}, {"brake_percent": 0}, {"note": ""}],
)
def test_contradicting_thresholds_are_refused_beside_the_field(operator_client, wrong):
    assert propose(operator_client, **wrong).status_code == 422
    assert LifecyclePolicy.objects.count() == 1


def test_a_big_base_is_previewed_by_a_worker(operator_client, monkeypatch, expiring_tomorrow):
    monkeypatch.setattr("members.lifecycle.console.pages.PREVIEW_AT_ONCE", 0)
    started = []
    monkeypatch.setattr(tasks.preview_policy, "delay_on_commit", started.append)
    propose(operator_client, expiring_window_days=20, expiring_fraction=0.9)
    policy = newest()
    waiting = operator_client.get(act(operator_client, "preview", policy)["Location"])
    assert started == [policy.pk]
    assert 'hx-trigger="every 2s"' in waiting.content.decode()
    tasks.preview_policy(policy.pk)
    address = f"{reverse('members:policy', args=[policy.pk])}?after=none"
    done = operator_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" not in done
    assert "Expiring" in done


def test_preview_lists_the_messages_other_apps_expect(operator_client, expiring_tomorrow, lend):
    lend(EFFECTS, empty=True)
    EFFECTS.register(lambda moves, at: [Effect("D-7 reminders", moves["first_paid", "expiring"])], code="test")
    propose(operator_client, expiring_window_days=20, expiring_fraction=0.9)
    policy = newest()
    act(operator_client, "preview", policy)
    (kept,) = newest().preview["messages"]
    assert (kept["label"]["en"], kept["count"]) == ("D-7 reminders", 1)


def test_messages_are_named_in_the_language_of_the_reader(operator, operator_client, expiring_tomorrow):
    """Seen: who looked ahead in Chinese left Chinese names to everybody."""
    propose(operator_client, expiring_window_days=20, expiring_fraction=0.9)
    page = reverse("members:policy", args=[newest().pk])
    chinese = signed_in_client(operator, "zh-hans")
    chinese.post(reverse("members:policy-preview", args=[newest().pk]))
    assert "续费提醒" in chinese.get(page).content.decode()
    english = operator_client.get(page).content.decode()
    assert "Renewal reminders" in english
    assert "续费提醒" not in english


@pytest.fixture
def brake(now):
    """Three members who lapse together under a brake that allows none."""
    LifecyclePolicy.objects.update(brake_floor=0, brake_percent=0.1)
    for _ in range(3):
        member = factories.make_member(at=now - timedelta(days=60))
        factories.make_term(member=member, at=now - timedelta(days=28))
    MemberLifecycle.objects.update(next_due_at=now)
    return sweep.sweep(at=now + timedelta(days=10)).brake


def test_brake_is_approved_with_a_reason_and_run(approver_client, approver, brake, monkeypatch):
    assert brake is not None
    started = []
    monkeypatch.setattr(tasks.run_approved_brake, "delay_on_commit", started.append)
    page = approver_client.get(reverse("members:brake", args=[brake.pk])).content.decode()
    assert reverse("members:list") + f"?brake={brake.pk}" in page
    address = reverse("members:brake-approve", args=[brake.pk])
    assert approver_client.post(address, {}).status_code == 422
    assert approver_client.post(address, {"reason": "checked"}).status_code == 302
    brake = SweepBrake.objects.get()
    assert (brake.status, brake.decided_by, brake.reason) == ("approved", approver, "checked")
    assert started == [brake.pk]
    assert approver_client.post(address, {"reason": "again"}).status_code == 409


def test_what_a_lost_task_left_is_finished_by_the_beat(approver, brake, now):
    sweep.approve_brake(brake_id=brake.pk, actor=approver, at=now, reason="checked")
    assert MemberLifecycle.objects.filter(brake=brake).count() == 3
    tasks.finish_decisions()
    assert not MemberLifecycle.objects.filter(brake__isnull=False).exists()


def test_brake_is_released_for_a_new_check(approver_client, brake):
    approver_client.post(reverse("members:brake-release", args=[brake.pk]), {"reason": "feed was dead"})
    assert SweepBrake.objects.get().status == "released"
    assert not MemberLifecycle.objects.filter(brake__isnull=False).exists()


def test_an_operator_decides_no_brake(operator_client, brake):
    for step in ("approve", "release"):
        address = reverse(f"members:brake-{step}", args=[brake.pk])
        assert operator_client.post(address, {"reason": "x"}).status_code == 403
    assert SweepBrake.objects.get().status == "open"


def test_anomalies_are_listed_with_their_facts(viewer_client, now):
    member = factories.make_member(at=now)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE members_memberlifecycle SET target_state = 'stable' WHERE member_id = %s", [member.pk])
    response = viewer_client.get(reverse("members:anomalies"))
    assert [m.pk for m, _ in response.context["rows"]] == [member.pk]
    listed = viewer_client.get(reverse("members:list"), {"anomaly": "on"}).context["listing"].rows
    assert [m.pk for m in listed] == [member.pk]


def test_policy_pages_show(viewer_client, brake):
    assert viewer_client.get(reverse("members:policies")).status_code == 200
    assert viewer_client.get(reverse("members:policy", args=[newest().pk])).status_code == 200
    assert viewer_client.get(reverse("members:policy-new")).status_code == 403
