"""The pages about what is kept, and the member's page."""

from datetime import timedelta

import pytest
from django.urls import reverse

from entitlements.memory.models import EntitlementSnapshot, RenewalLock, RestoreRule
from entitlements.memory.operations.rules import REVIEW
from members.terms.operations import terms
from tests.entitlements.world import settle
from tests.factories import make_term
from tests.members.world import moment

pytestmark = pytest.mark.django_db

RULE = {
    "mode": "everything", "younger_than_days": 90, "tier_days": 7, "restores_tier": "on", "on_purchase": "on",
    "note": "All comes back",
}  # fmt: skip


@pytest.fixture
def clock(monkeypatch):
    """``clock(day)`` sets the console's clock to a day of the scene."""
    return lambda day: monkeypatch.setattr("config.engine.clock.now", lambda: moment(day))


def test_the_rule_is_changed_by_two_people(operator_client, approver_client):
    """The brief of the review: one person alone changes no rule."""
    assert operator_client.post(reverse("memory:edit"), {**RULE, "action": "save"}).status_code == 302
    draft = RestoreRule.objects.latest("version")
    assert (draft.version, draft.mode, draft.tier_days, draft.restores_points) == (2, "everything", 7, False)
    assert REVIEW.active().version == 1
    assert (
        "Would get something back" in operator_client.get(reverse("memory:version", args=[draft.pk])).content.decode()
    )
    operator_client.post(reverse("memory:version-submit", args=[draft.pk]))
    assert operator_client.post(reverse("memory:version-approve", args=[draft.pk])).status_code == 403
    assert REVIEW.active().version == 1
    approver_client.post(reverse("memory:version-approve", args=[draft.pk]))
    assert REVIEW.active().version == 2
    assert "version 2" in operator_client.get(reverse("memory:rule")).content.decode()


def test_a_preview_says_for_how_many_and_saves_nothing(operator_client, scene, clock):
    scene.lapse()
    clock(50)
    page = operator_client.post(reverse("memory:edit"), {**RULE, "mode": "younger", "younger_than_days": 15})
    assert page.context["effect"].too_old == 1
    assert page.status_code == 200
    assert RestoreRule.objects.count() == 1


@pytest.mark.parametrize(
    "wrong", [{"younger_than_days": 0}, {"restores_tier": ""}, {"on_purchase": ""}, {"mode": "some"}]
)
def test_a_wrong_rule_is_refused(operator_client, wrong):
    data = {name: value for name, value in {**RULE, "action": "save", **wrong}.items() if value != ""}
    assert operator_client.post(reverse("memory:edit"), data).status_code == 422
    assert RestoreRule.objects.count() == 1


def test_viewers_look_and_change_nothing(viewer_client, scene):
    member = scene.member
    assert viewer_client.get(reverse("memory:rule")).status_code == 200
    assert viewer_client.post(reverse("memory:edit"), {**RULE, "action": "save"}).status_code == 403
    assert viewer_client.post(reverse("memory:lock", args=[member.pk])).status_code == 403
    assert (RestoreRule.objects.count(), RenewalLock.objects.count()) == (1, 0)


def test_the_list_by_outcome(viewer_client, scene):
    scene.lapse()
    page = viewer_client.get(reverse("memory:snapshots"), {"outcome": "pending"}).content.decode()
    assert "Black" in page
    assert "Nobody yet" in viewer_client.get(reverse("memory:snapshots"), {"outcome": "restored"}).content.decode()
    assert EntitlementSnapshot.objects.count() == 1


@pytest.mark.parametrize(
    ("age", "days", "is_shown"),
    [("older", 15, True), ("older", 16, False), ("younger", 15, False), ("younger", 16, True), ("", "x", True)],
)
def test_the_list_by_age(viewer_client, scene, clock, age, days, is_shown):
    scene.lapse()
    clock(50)
    page = viewer_client.get(reverse("memory:snapshots"), {"outcome": "pending", "age": age, "days": days})
    assert bool(page.context["listing"].rows) == is_shown


def test_the_member_page_in_the_grace_counts_down_and_names_what_is_held(operator_client, scene, clock):
    scene.ladder.version.cells.filter(benefit=scene.cinema).update(is_held_in_grace=False)

    scene.buy(0, scene.world.black_month)
    settle(scene.member, moment(33))
    clock(33)
    page = operator_client.get(scene.member.get_absolute_url()).content.decode()
    # The last of the three days it is held, not the midnight behind it.
    note = page[page.index("Black is held in the grace") :]
    assert "tomorrow" in note[: note.index("</div>")]
    held, not_held = page.index(">Held<"), page.index(">Not held<")
    assert held < page.index("Downloads", held) < not_held < page.index("Cinema", not_held)


def test_the_member_page_locks_and_releases(operator_client, scene, clock):
    scene.buy(0, auto_renewal=True)
    clock(29)
    page = operator_client.get(scene.member.get_absolute_url()).content.decode()
    assert "Lock benefits and price" in page
    assert operator_client.post(reverse("memory:lock", args=[scene.member.pk])).status_code == 302
    lock = RenewalLock.objects.get()
    assert "are locked for the next term" in operator_client.get(scene.member.get_absolute_url()).content.decode()
    operator_client.post(reverse("memory:release", args=[lock.pk]))
    lock.refresh_from_db()
    assert lock.released_at == moment(29)


def test_too_early_says_when(operator_client, scene, clock):
    scene.buy(0, auto_renewal=True)
    clock(20)
    answer = operator_client.post(reverse("memory:lock", args=[scene.member.pk]), follow=True).content.decode()
    assert "in the last 3 days" in answer
    assert "can be locked from" in answer
    assert not RenewalLock.objects.exists()


def test_who_returned_is_told_what_she_got(operator_client, scene, clock):
    scene.lapse()
    scene.buy(50)
    clock(51)
    page = operator_client.get(scene.member.get_absolute_url()).content.decode()
    assert "Voucher +3" in page
    assert "Downloads +20" in page


def test_a_return_that_was_refunded_says_so(operator_client, scene, clock):
    scene.lapse()
    term = scene.buy(50)
    clock(51)
    words = "That term was refunded"
    assert words not in operator_client.get(scene.member.get_absolute_url()).content.decode()
    terms.refund_term(term_id=term.pk, at=moment(51), actor=None, reason="x")
    assert words in operator_client.get(scene.member.get_absolute_url()).content.decode()


def test_the_list_is_in_the_order_of_loss_over_its_pages(viewer_client, scene, monkeypatch):
    scene.lapse()
    first = scene.snapshot
    for days in (5, -5, 0, 9):
        term = make_term(member=scene.world.member(), at=moment(0), plan=scene.world.month)
        EntitlementSnapshot.objects.create(
            member=term.member, term=term, tier=term.tier, ladder=first.ladder,
            taken_at=first.taken_at + timedelta(days=days),
        )  # fmt: skip
    monkeypatch.setattr("entitlements.memory.console.pages.SnapshotList.size", 2)
    seen, address = [], "?outcome=pending"
    while address:
        listing = viewer_client.get(reverse("memory:snapshots") + address).context["listing"]
        seen += listing.rows
        address = listing.next_url
    assert [(row.taken_at - first.taken_at).days for row in seen] == [9, 5, 0, 0, -5]
    assert len({row.pk for row in seen}) == 5
    assert len(viewer_client.get(reverse("memory:snapshots"), {"after": "x~y"}).context["listing"].rows) == 2
