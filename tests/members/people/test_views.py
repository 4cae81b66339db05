"""The members list and a member's page, through the web."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.audit.models import AuditEntry
from members.lifecycle import metrics
from members.lifecycle.models import MemberLifecycle
from members.people.models import Identity, Member
from members.people.rules import last_day
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


def names(response) -> list[str]:
    return [member.display_name for member in response.context["listing"].rows]


def test_list_shows_members_masked(viewer_client, now):
    factories.make_member(at=now, display_name="王小明", identities={"phone": "13812342716"})
    page = viewer_client.get(reverse("members:list")).content.decode()
    assert "王*明" in page
    assert "138****2716" in page
    assert "王小明" not in page
    assert "13812342716" not in page


def test_list_fragment_at_the_same_address(viewer_client, now):
    factories.make_member(at=now)
    response = viewer_client.get(reverse("members:list"), headers={"HX-Request": "true"})
    assert b"<html" not in response.content
    assert b'id="listing"' in response.content
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("王小明", ["王小明"]),
        ("王", ["王小明"]),
        ("小明", []),
        ("13812342716", ["王小明"]),
        ("+86 138-1234-2716", ["王小明"]),
        ("１３８１２３４２７１６", ["王小明"]),
        ("2716", ["王小明"]),
        ("WANG@mail.cn", ["王小明"]),
        ("wang@", ["王小明"]),
        ("crm:88", ["王小明"]),
        ("yue sh", ["Yue Shen"]),
        ("she", ["Yue Shen"]),
        ("%", []),
        ("nobody", []),
        ("a\0b", []),
    ],
)
def test_search(viewer_client, now, text, found):
    identities = {"phone": "13812342716", "email": "wang@mail.cn", "external_id": "crm:88120457"}
    factories.make_member(at=now, display_name="王小明", identities=identities)
    factories.make_member(at=now, display_name="Yue Shen", identities={"email": "yue@example.com"})
    response = viewer_client.post(reverse("console:find", args=["members"]), {"q": text}, follow=True)
    assert names(response) == found
    # What was typed may be a phone number: it stands in the field, and in no address.
    assert text not in response.request["QUERY_STRING"]
    assert response.context["listing"].filter.form["q"].value() == text


def test_a_search_of_another_session_finds_nobody_in_particular(viewer_client, operator_client, now):
    factories.make_member(at=now, display_name="A B")
    factories.make_member(at=now, display_name="C D")
    mine = viewer_client.post(reverse("console:find", args=["members"]), {"q": "A B", "state": "prospect"})
    assert "state=prospect" in mine.url
    assert len(names(operator_client.get(mine.url))) == 2
    assert viewer_client.post(reverse("console:find", args=["audit"]), {"q": "A B"}).status_code == 404


def test_search_by_member_number(viewer_client, now):
    member = factories.make_member(at=now, display_name="A B")
    factories.make_member(at=now, display_name="C D")
    assert names(viewer_client.post(reverse("console:find", args=["members"]), {"q": str(member.pk)}, follow=True)) == [
        "A B"
    ]


def test_filters_narrow_the_list(viewer_client, now):
    plan, other = factories.PlanFactory(), factories.PlanFactory()
    paid = factories.make_member(at=now, display_name="paid", channel="douyin")
    factories.make_term(member=paid, at=now, plan=plan, auto_renewal=True)
    factories.make_member(at=now, display_name="prospect")

    def found(**params):
        return names(viewer_client.get(reverse("members:list"), params))

    assert found(state="prospect") == ["prospect"]
    assert found(state="first_paid") == ["paid"]
    assert found(plan=plan.pk) == ["paid"]
    assert found(plan=other.pk) == []
    assert found(tier=plan.tier_id) == ["paid"]
    assert found(auto="on") == ["paid"]
    assert found(auto="off") == ["prospect"]
    assert found(status="active") == ["paid"]
    assert found(channel="douyin") == ["paid"]
    assert found(demo="on") == []
    assert found(expires=7) == []
    assert found(state="no_such_state") == []


def test_in_seven_days_is_the_day_of_the_first_reminder(viewer_client, now):
    """Whose last day is the seventh local day from today counts, be it over at that day's midnight."""
    today = timezone.localtime(now, ZoneInfo("Asia/Shanghai")).replace(hour=0, minute=0, second=0, microsecond=0)
    for n in (0, 7, 8):
        member = factories.make_member(at=now, display_name=f"in {n}")
        ends_at = today + timedelta(days=n + 1)
        MemberLifecycle.objects.filter(member=member).update(expiration_time=ends_at, membership_status="active")
    found = {n: set(names(viewer_client.get(reverse("members:list"), {"expires": n}))) for n in (0, 7)}
    assert found == {0: {"in 0"}, 7: {"in 0", "in 7"}}
    assert [day.total for day in metrics.expiring_by_day(today.date(), 7)] == [1, 0, 0, 0, 0, 0, 0, 1]


def test_expiry_filter_counts_local_days(viewer_client, now):
    member = factories.make_member(at=now, display_name="soon")
    factories.make_term(member=member, at=now - timedelta(days=25))
    member.refresh_from_db()
    ends_on = last_day(member.lifecycle.expiration_time, "Asia/Shanghai")
    params = {"expires_from": ends_on, "expires_to": ends_on}
    assert names(viewer_client.get(reverse("members:list"), params)) == ["soon"]
    before = ends_on - timedelta(days=1)
    assert names(viewer_client.get(reverse("members:list"), {"expires_from": before, "expires_to": before})) == []


@pytest.mark.parametrize("sort", ["expiry", "-expiry", "active", "-active", "registered", "-registered"])
def test_pages_forward_and_back_show_everybody_once(viewer_client, now, monkeypatch, sort):
    monkeypatch.setattr("members.people.console.listing.PAGE_SIZE", 3)
    plan = factories.PlanFactory()
    for n in range(10):
        registered = now - timedelta(days=n // 2) if n % 3 else None
        member = factories.make_member(at=now - timedelta(days=20), display_name=f"m{n}", registered_at=registered)
        if n % 2:
            # Several end at the same instant.
            factories.make_term(member=member, at=now - timedelta(days=10 + n // 4), plan=plan)
            factories.make_event(member=member, at=now - timedelta(hours=n // 4))
    pages, url = [], f"{reverse('members:list')}?sort={sort}"
    while url:
        response = viewer_client.get(url)
        pages.append(names(response))
        url = response.context["listing"].next_url
    assert sorted(name for page in pages for name in page) == sorted(f"m{n}" for n in range(10))
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    back = []
    url = response.context["listing"].previous_url
    while url:
        response = viewer_client.get(url)
        back.insert(0, names(response))
        url = response.context["listing"].previous_url
    assert back == pages[:-1]


def test_state_tabs_count_everybody(viewer_client, now):
    factories.make_member(at=now)
    factories.make_member(at=now)
    tabs = viewer_client.get(reverse("members:list")).context["listing"].tabs
    assert tabs[0]["count"] == 2
    assert {tab["state"]: tab["count"] for tab in tabs[1:]}["prospect"] == 2


def test_filtered_count_stops_at_the_limit(viewer_client, now, monkeypatch):
    monkeypatch.setattr("members.people.console.listing.COUNT_LIMIT", 3)
    for _ in range(5):
        factories.make_member(at=now)
    page = viewer_client.get(reverse("members:list"), {"auto": "off"}).content.decode()
    assert "2 members" in page
    assert "2 members</span>" not in page.replace("</span>+", "")


def test_column_choice_comes_from_the_cookie(viewer_client, now):
    factories.make_member(at=now, city="杭州")
    viewer_client.cookies["columns_members"] = "city.nonsense"
    page = viewer_client.get(reverse("members:list")).content.decode()
    assert "杭州" in page
    assert 'data-col="paid"' not in page


def test_detail_says_why(viewer_client, now):
    member = factories.make_member(at=now - timedelta(days=50))
    factories.make_term(member=member, at=now - timedelta(days=28))
    terms_end = MembershipTerm.objects.get().ends_at
    assert terms_end > now
    response = viewer_client.get(reverse("members:detail", args=[member.pk]))
    assert response.status_code == 200
    reasons = response.context["portrait"].reasons
    assert any("days left" in check.label for check in reasons.checks)
    assert [step.state for step in reasons.next if step.state][-1] == "churned"


def test_detail_of_a_member_without_anything(viewer_client, now):
    member = factories.make_member(at=now, display_name="", identities={})
    response = viewer_client.get(reverse("members:detail", args=[member.pk]))
    assert response.status_code == 200
    assert "No name" in response.content.decode()


def test_detail_asks_the_same_number_of_queries_for_one_and_many_terms(viewer_client, now):
    asked = []
    for terms_had in (1, 1, 8):  # The first warms what is read once in a process's life.
        member = factories.make_member(at=now - timedelta(days=400))
        for n in range(terms_had):
            factories.make_term(member=member, at=now - timedelta(days=300 - n))
            factories.make_event(member=member, at=now - timedelta(days=n))
        cache.clear()  # What is kept for seconds must not run out in between.
        with CaptureQueriesContext(connection) as captured:
            viewer_client.get(reverse("members:detail", args=[member.pk]))
        asked.append(len(captured))
    assert asked[1] == asked[2], asked


def test_timeline_pages_show_every_entry_once(viewer_client, now, monkeypatch):
    monkeypatch.setattr("members.people.console.portrait.TIMELINE_SIZE", 2)
    member = factories.make_member(at=now - timedelta(days=3))
    # Term, move and audit entry at one and the same instant.
    factories.make_term(member=member, at=now - timedelta(days=2))
    factories.make_event(member=member, at=now - timedelta(days=2))
    terms.switch_auto_renewal(member_id=member.pk, on=True, at=now - timedelta(days=1), actor=None)
    url, seen = reverse("members:detail", args=[member.pk]), []
    address = url
    while address:
        portrait = viewer_client.get(address).context["portrait"]
        seen += [(entry.source, entry.pk) for entry in portrait.timeline.entries]
        address = url + portrait.earlier_url.split("#")[0] if portrait.earlier_url else ""
    assert len(seen) == len(set(seen))
    assert {source for source, _ in seen} == {"state", "term", "event", "audit"}
    whole = viewer_client.get(url + "?timeline=audit").context["portrait"].timeline
    assert [entry.source for entry in whole.entries] == ["audit", "audit"]


def test_reveal_shows_once_and_leaves_an_audit_row(operator_client, operator, now):
    member = factories.make_member(at=now, identities={"phone": "13812342716"})
    response = operator_client.post(reverse("members:reveal", args=[member.pk]))
    assert "13812342716" in response.content.decode()
    assert response["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="member.revealed")
    assert (entry.actor, entry.member_id, entry.data) == (operator, member.pk, {"kinds": ["phone"]})
    assert "13812342716" not in operator_client.get(reverse("members:detail", args=[member.pk])).content.decode()


def test_viewer_may_not_reveal(viewer_client, now):
    member = factories.make_member(at=now)
    assert viewer_client.post(reverse("members:reveal", args=[member.pk])).status_code == 403
    assert not AuditEntry.objects.filter(action="member.revealed").exists()


def test_new_member(operator_client):
    response = operator_client.post(
        reverse("members:new"), {"display_name": "王小明", "phone": "138 1234 2716", "email": "W@mail.cn"}
    )
    member = Member.objects.get()
    assert response["Location"] == member.get_absolute_url()
    values = set(member.identities.values_list("kind", "value"))
    assert values == {("phone", "13812342716"), ("email", "w@mail.cn")}
    assert member.lifecycle.lifecycle_state == "prospect"


def test_new_member_with_a_taken_phone_is_refused(operator_client, now):
    factories.make_member(at=now, identities={"phone": "13812342716"})
    response = operator_client.post(reverse("members:new"), {"phone": "+86 13812342716"})
    assert response.status_code == 422
    assert Member.objects.count() == 1


def test_new_member_needs_something_to_go_by(operator_client):
    assert operator_client.post(reverse("members:new"), {"city": "杭州"}).status_code == 422
    assert not Member.objects.exists()


def test_edit_keeps_hidden_identities_and_removes_on_request(operator_client, now):
    member = factories.make_member(at=now, identities={"phone": "13812342716", "email": "w@mail.cn"})
    page = operator_client.get(reverse("members:edit", args=[member.pk])).content.decode()
    assert "13812342716" not in page
    data = {"display_name": "New Name", "remove": ["email"]}
    assert operator_client.post(reverse("members:edit", args=[member.pk]), data).status_code == 302
    assert list(Identity.objects.values_list("kind", flat=True)) == ["phone"]
    member.refresh_from_db()
    assert member.display_name == "New Name"
    assert AuditEntry.objects.get(action="member.edited").data["fields"] == ["display_name", "email"]


def test_a_term_in_the_timeline_begins_on_the_day_it_began_where_the_viewer_is(viewer_client, now):
    """Midnight in Shanghai is still the day before in UTC."""
    midnight = timezone.localtime(now, ZoneInfo("Asia/Shanghai")).replace(hour=0, minute=0, second=0, microsecond=0)
    member = factories.make_member(at=midnight)
    factories.make_term(member=member, at=midnight)
    [booked] = viewer_client.get(member.get_absolute_url() + "?timeline=term").context["portrait"].timeline.entries
    assert booked.note.startswith(f"{midnight:%Y-%m-%d} to ")


def test_what_was_paid_in_two_currencies_is_not_added_up(viewer_client, now):
    member = factories.make_member(at=now - timedelta(days=100))
    for n, currency in enumerate(("CNY", "USD", "USD")):
        term = factories.make_term(member=member, at=now - timedelta(days=90 - 30 * n))
        MembershipTerm.objects.filter(pk=term.pk).update(currency=currency, price_cents=1050)
    for address in (member.get_absolute_url(), reverse("members:list")):
        assert "¥10.50 + $21" in viewer_client.get(address).content.decode()
