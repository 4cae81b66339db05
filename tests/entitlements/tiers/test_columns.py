"""The effective tier in the members list, its query form, the head of a member's page, and exports."""

import pytest
from django.urls import reverse

from config.engine.clock import now
from entitlements.tiers.operations.manual import give_tier
from members.events.operations.recording import prepare_partitions
from members.exports.operations import stream_members
from members.people.models import Member
from tests.entitlements.tiers.world import DAY, World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


@pytest.fixture
def world(db) -> World:
    prepare_partitions(at=now())
    return World(now())


@pytest.fixture
def given(world) -> Member:
    """A member who was given black."""
    member = world.member(world.at - 9 * DAY, display_name="Given Black")
    give_tier(member_id=member.pk, tier_id=world.tiers["black"].pk, reason="R", until=None, actor=None, at=world.at)
    return member


def text(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_list_has_the_effective_tier_as_a_column_of_choice(world, given, viewer_client):
    other = world.member(world.at - 9 * DAY)
    address = reverse("members:list")
    assert '<td data-col="effective_tier">' not in text(viewer_client.get(address))
    viewer_client.cookies["columns_members"] = "effective_tier.city"
    page = text(viewer_client.get(address))
    assert page.count('<td data-col="effective_tier">') == 2
    assert '<td data-col="effective_tier">Black</td>' in page
    assert f'href="{other.get_absolute_url()}"' in page


def test_the_list_is_narrowed_by_the_effective_tier(world, given, viewer_client):
    other = world.member(world.at - 9 * DAY)
    address = reverse("members:list")
    page = text(viewer_client.get(address, {"effective_tier": world.tiers["black"].pk}))
    assert given.get_absolute_url() in page
    assert other.get_absolute_url() not in page
    nobody = text(viewer_client.get(address, {"effective_tier": "nonsense"}))
    assert given.get_absolute_url() not in nobody


def test_an_export_has_the_effective_tier_in_words(world, given, admin):
    table = stream_members(
        queryset=Member.objects.filter(pk=given.pk), columns=["number", "effective_tier"], actor=admin, at=world.at,
        reveal=False,
    )  # fmt: skip
    assert b"".join(table).decode("utf-8-sig").split() == ["Member", "number,Effective", "tier", f"{given.pk},Black"]


def test_the_head_of_the_page_has_a_tier_above_the_bought_one(world, given, viewer_client):
    page = text(viewer_client.get(given.get_absolute_url()))
    assert 'href="#tier"' in page
    assert "Black, Given by hand" in page
    other = world.member(world.at - 9 * DAY)
    assert 'href="#tier"' not in text(viewer_client.get(other.get_absolute_url()))
