"""The members behind a preview's figures: listed from what to what, page by page, as long as they are kept."""

from datetime import timedelta

import pytest
from django.urls import reverse

from config.staff.access import Role
from members.foreseen.console.pages import MembersForeseen
from members.foreseen.models import ForeseenChange, Foresight
from members.foreseen.operations import KEY, forget_changes
from members.lifecycle.operations import policies, sweep
from tests import factories
from tests.suites.markup import links_with_count, read_page

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def lapsed(now):
    """Three members in the third day of their grace."""
    plan, found = factories.PlanFactory(), []
    for _ in range(3):
        found.append(factories.make_member(at=now - 60 * DAY, display_name="张丽华"))
        factories.make_term(member=found[-1], at=now - 33 * DAY, plan=plan)
    sweep.sweep_unbraked(at=now, policy=sweep.active_policy())
    return found


@pytest.fixture
def draft(lapsed, now):
    operator = factories.UserFactory(role=Role.OPERATOR)
    draft = policies.REVIEW.propose(actor=operator, at=now, note="Shorter", grace_days=1)
    return policies.REVIEW.look_ahead(draft.pk, at=now)


def addresses(client, draft):
    page = read_page(client.get(reverse("members:policy", args=[draft.pk])).content.decode())
    return {link.attributes["href"]: link.attributes["data-count"] for link in links_with_count(page)}


def test_a_figure_opens_its_members_from_what_to_what(draft, lapsed, viewer_client, monkeypatch):
    [(address, count)] = addresses(viewer_client, draft).items()
    assert count == "3"
    page = viewer_client.get(address, headers={"accept-language": "en"}).content.decode()
    assert "From In grace · " in page
    for member in lapsed:
        assert f'href="{member.get_absolute_url()}"' in page
    assert "张丽华" not in page, "names are masked"
    assert page.count("<b>Lapsed</b>") == 3
    monkeypatch.setattr(MembersForeseen, "size", 2)
    first = viewer_client.get(address).context["listed"]
    second = viewer_client.get(address.partition("?")[0] + first.next_url).context["listed"]
    assert [row.member_id for row in (*first.rows, *second.rows)] == sorted(member.pk for member in lapsed)
    assert (second.next_url, first.count, second.count) == ("", 3, 3)


def test_whom_nobody_counts_and_what_nobody_asked_is_an_empty_list(draft, viewer_client):
    page = reverse("members:policy-members", args=[draft.pk])
    for query in (
        "",
        "?what=state",
        "?what=standing&from=x",
        "?what=%00&from=%00",
        "?what=standing&to=expired:none&after=²",
    ):
        response = viewer_client.get(page + query)
        assert response.status_code == 200
        assert bool(response.context["rows"]) == ("expired" in query)
    assert viewer_client.get(reverse("members:policy-members", args=[draft.pk + 99])).status_code == 404


def test_a_list_is_forgotten_30_days_after_its_version_was_decided_about(draft, now, viewer_client, approver):
    [address] = addresses(viewer_client, draft)
    assert forget_changes(at=now + 90 * DAY) == 0, "a draft is still to be decided about"
    policies.REVIEW.submit(draft.pk, actor=draft.created_by, at=now)
    policies.REVIEW.reject(draft.pk, actor=approver, at=now)
    assert forget_changes(at=now + 29 * DAY) == 0
    assert forget_changes(at=now + 31 * DAY) == 1
    assert (Foresight.objects.count(), ForeseenChange.objects.count()) == (0, 0)
    assert addresses(viewer_client, draft) == {}
    assert "Not kept any more" in viewer_client.get(address, headers={"accept-language": "en"}).content.decode()


def test_a_look_whose_draft_was_changed_is_forgotten_the_next_day(draft, now):
    first = draft.preview[KEY]
    policies.REVIEW.revise(draft.pk, actor=draft.created_by, at=now, note="Other", grace_days=2)
    second = policies.REVIEW.look_ahead(draft.pk, at=now).preview[KEY]
    assert forget_changes(at=now + timedelta(hours=1)) == 0, "it may still be at work"
    assert forget_changes(at=now + 2 * DAY) == 1
    assert set(Foresight.objects.values_list("pk", flat=True)) == {second} != {first}
