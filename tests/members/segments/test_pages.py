"""What segment pages tell: overlap, beside everybody, over time, export; every figure opens what it counts."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from config.audit.models import AuditEntry
from config.engine.clock import now
from config.staff.access import Role
from entitlements.grants.operations.settling import settle_members
from entitlements.usage.operations.consuming import consume
from members.people.models import Member
from members.segments.dimensions import DIMENSIONS
from members.segments.operations.refreshing import refresh_segment
from members.segments.operations.saving import save_segment
from members.segments.schema import read_rule
from tests import factories
from tests.conftest import signed_in_client
from tests.entitlements.making import give, make_benefit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]
DAY = timedelta(days=1)


def segment_of(name, at, **test):
    ((field, values),) = test.items()
    condition = {"kind": f"profile.{field}", "op": "is", "values": values}
    rule = read_rule({"version": 1, "root": {"kind": "all", "items": [condition]}})
    segment = save_segment(rule=rule, name=name, actor=None, at=at)
    refresh_segment(segment_id=segment.pk, at=at)
    return segment


@pytest.fixture
def three(at):
    """x: 3 members, of whom 2 female; everybody: 6, of whom 3 female."""
    people = [("x", "female"), ("x", "female"), ("x", "male"), ("y", "female"), ("y", "male"), ("", "")]
    for city, gender in people:
        factories.make_member(at=at, city=city, gender=gender)
    return segment_of("X", at, city=["x"]), segment_of("Female", at, gender=["female"]), segment_of("Y", at, city=["y"])


@pytest.fixture
def client(operator):
    return signed_in_client(operator)


def listed(client, href):
    return client.get(unescape(href)).context["listing"].members.count()


def counted_links(client, page):
    """Every figure of the page that leads to the members list: (what it says, how many the list holds)."""
    found = re.findall(
        r'<a (?:class="big" )?href="(/console/members/\?[^"]+)"(?: data-count="\d+")?>([\d,]+)</a>', page
    )
    return [(int(text.replace(",", "")), listed(client, href)) for href, text in found]


def test_an_overlap_says_how_many_and_opens_exactly_those(client, three):
    chosen = "&".join(f"s={segment.pk}" for segment in three)
    page = client.get(f"{reverse('segments:compare')}?{chosen}").content.decode()
    links = counted_links(client, page)
    assert len(links) == 4 + 3 + 6
    assert all(says == opens for says, opens in links), links
    assert [says for says, _ in links[:4]] == [2, 1, 1, 1]


@pytest.mark.parametrize("count", [1, 5])
def test_a_comparison_takes_two_to_four(client, at, count):
    made = [segment_of(f"S{n}", at, city=["x"]) for n in range(count)]
    asked = "&".join(f"s={segment.pk}" for segment in made)
    assert client.get(f"{reverse('segments:compare')}?{asked}").status_code == 422
    assert client.get(f"{reverse('segments:compare')}?s=99999999&s=x").status_code == 422


def use_up(benefit, plan, segment):
    """Everybody in the segment has the benefit, by her plan or by none, and uses all of it."""
    give(benefit, plan.tier, 1)
    give(benefit, None, 1)
    members = list(Member.objects.in_segment(segment).values_list("pk", flat=True))
    settle_members(member_ids=members, at=now())
    for pk in members:
        consume(member_id=pk, benefit=benefit, amount=1, at=now(), origin="api")


@pytest.mark.parametrize("code", DIMENSIONS.codes())
def test_every_dimension_counts_what_its_links_open(client, three, at, code):
    plan = factories.PlanFactory()
    for pk, days in zip(Member.objects.order_by("pk").values_list("pk", flat=True)[:2], (1, 40), strict=True):
        factories.make_term(member=Member.objects.get(pk=pk), at=at - days * DAY, plan=plan)
    use_up(make_benefit(), plan, three[0])
    page = client.get(f"{reverse('segments:breakdown', args=[three[0].pk])}?by={code}").content.decode()
    links = counted_links(client, page)
    assert links
    assert all(says == opens for says, opens in links), (code, links)


def test_a_breakdown_compares_with_everybody(client, three):
    shown = client.get(f"{reverse('segments:breakdown', args=[three[0].pk])}?by=gender").context["shown"]
    found = {row.slice.value: row.slice for row in shown.rows}
    assert (found["female"].inside, found["female"].everybody) == (2, 3)
    assert round(found["female"].lift, 3) == round((2 / 3) / (3 / 6), 3)
    assert (found[""].inside, found[""].lift) == (0, 0.0)
    assert client.get(f"{reverse('segments:breakdown', args=[three[0].pk])}?by=nonsense").status_code == 404


def test_what_the_list_cannot_read_shows_nobody(client, three):
    for query in ("segments=1~x", "segments=~1", "was_in=1", "was_in=1.2026-99-01", "was_in=9.9999-12-31", "by=what.x",
                  "rule=unknown", "segments=" + "9" * 30):  # fmt: skip
        assert listed(client, f"/console/members/?{query}") == 0, query


def test_history_tells_who_moved_and_who_was_in(client, at):
    at = now() - 40 * DAY
    stays, leaves = (factories.make_member(at=at, city="x") for _ in range(2))
    segment = segment_of("X", at, city=["x"])
    Member.objects.filter(pk=leaves.pk).update(city="y")
    late = factories.make_member(at=at, city="x")
    refresh_segment(segment_id=segment.pk, at=now() - 10 * DAY)
    address = reverse("segments:history", args=[segment.pk])
    page = client.get(address)
    assert [stay.member_id for stay in page.context["past"].moves.stays] == [late.pk]
    assert [tab["count"] for tab in page.context["past"].tabs] == [1, 1]
    went = client.get(f"{address}?way=left", headers={"hx-request": "true"})
    assert [stay.member_id for stay in went.context["past"].moves.stays] == [leaves.pk]
    day = timezone.localtime(now() - 20 * DAY).date()
    then = client.get(f"{address}?on={day}")
    assert then.context["past"].size_then == 2
    assert (2, 2) in counted_links(client, then.content.decode())
    before = client.get(f"{address}?on={timezone.localtime(at - 5 * DAY).date()}")
    assert before.context["past"].size_then is None
    assert client.get(f"{address}?since=2999-01-01").status_code == 422
    assert client.get(f"{address}?since=nonsense&after=~").status_code == 422
    assert stays.pk in {m.pk for m in Member.objects.in_segment_at(segment.pk, now())}


def test_a_segment_is_exported_and_the_log_says_which(client, three):
    asked = {"query": f"segment={three[0].pk}", "all": "1"}
    assert "3 members" in client.post(reverse("exports:members"), asked).content.decode()
    answer = client.post(
        reverse("exports:members"), {**asked, "file_format": "csv", "columns": ["number", "city"]}
    )  # fmt: skip
    assert len(b"".join(answer.streaming_content).decode().splitlines()) == 4
    assert AuditEntry.objects.get(action="members.exported").data["segment"] == three[0].pk


def test_a_viewer_is_offered_no_export(three):
    client = signed_in_client(factories.UserFactory(role=Role.VIEWER))
    assert 'id="export"' not in client.get(reverse("segments:detail", args=[three[0].pk])).content.decode()
    assert client.post(reverse("exports:members"), {"query": f"segment={three[0].pk}", "all": "1"}).status_code == 403
