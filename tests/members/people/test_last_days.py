"""A term ends at the midnight after 8 December: wherever its last day is said or asked for, it is the 8th."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse

from entitlements.offers.selling import buyer_of
from members.exports.operations import stream_members
from members.files.csv_text import written_end
from members.lifecycle import metrics
from members.lifecycle.models import MemberLifecycle
from members.people.models import Member
from members.people.querysets.days import last_day_sql
from members.people.rules import last_day
from members.resources import TermResource
from members.segments.compiler import members_of
from members.segments.schema import read_rule
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 12, 8, 16, tzinfo=UTC)
EIGHTH, NINTH = date(2026, 12, 8), date(2026, 12, 9)
DAY = timedelta(days=1)


@pytest.fixture
def member(at) -> Member:
    """Paid from 8 November on, to the midnight in Shanghai after 8 December."""
    member = factories.make_member(at=at - 9 * DAY, display_name="soon")
    plan = factories.PlanFactory(code="days", duration_unit="day", duration_count=31)
    term = terms.purchase(member_id=member.pk, plan=plan, at=MIDNIGHT - 31 * DAY, actor=None)
    assert term.ends_at == MIDNIGHT
    member.refresh_from_db()
    return member


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("end", [MIDNIGHT, MIDNIGHT + timedelta(microseconds=1), MIDNIGHT - timedelta(microseconds=1)])
def test_the_statements_day_is_the_rules(zone, end):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {last_day_sql('%(end)s::timestamptz', '%(zone)s')}", {"end": end, "zone": zone})
        assert cursor.fetchone()[0] == last_day(end, zone)


@pytest.mark.parametrize(("time_zone", "day"), [("", EIGHTH), ("Asia/Tokyo", NINTH), ("America/New_York", EIGHTH)])
def test_lists_cards_and_filters_ask_for_the_last_day_where_the_member_lives(viewer_client, member, time_zone, day):
    MemberLifecycle.objects.filter(pk=member.pk).update(time_zone=time_zone)
    for asked in (day - DAY, day, day + DAY):
        page = viewer_client.get(reverse("members:list"), {"expires_from": asked, "expires_to": asked})
        assert [row.pk for row in page.context["listing"].rows] == ([member.pk] if asked == day else [])
    counted = metrics.expiring_by_day(day - DAY, 3)
    assert [(found.day, found.total) for found in counted if found.total] == [(day, 1)]
    row = viewer_client.get(reverse("members:list")).content.decode()
    cell = re.search(r'data-col="expiry">(.*?)</td>', row).group(1)
    assert day.isoformat() in cell
    assert (day + DAY).isoformat() not in cell


def test_the_page_of_the_member_says_the_8th_and_that_it_is_over_on_the_9th(operator_client, member):
    page = operator_client.get(reverse("members:detail", args=[member.pk])).content.decode()
    summary = re.search(r"<dt>Expires</dt><dd>(.*?)</dd>", page).group(1)
    table = page[page.index("terms-table") : page.index("</table>", page.index("terms-table"))]
    for part in (summary, table):
        assert "2026-12-08" in part
        assert "2026-12-09" not in part
    assert re.findall(r">(2026-12-09)<.*?data-state=\"(\w+)\"", page) == [("2026-12-09", "expired")]


@pytest.mark.parametrize("drawer", ["members:change-tier", "members:refund"])
def test_drawers_say_the_last_day(operator_client, member, drawer):
    address = reverse(drawer, args=[member.terms.get().pk])
    page = operator_client.get(address, headers={"hx-request": "true"}).content.decode()
    facts = page[page.index('<dl class="dl">') : page.index("</dl>")]
    assert facts.count("2026-12-08</time>") == 2
    assert "2026-12-09" not in facts


def test_what_follows_begins_on_the_day_behind_it(viewer_client, member):
    why = viewer_client.get(reverse("members:detail", args=[member.pk])).context["portrait"].reasons
    assert {step.state: step.on for step in why.next if step.state} == {
        "expiring": date(2026, 12, 1), "expired": NINTH, "churned": date(2027, 1, 8)
    }  # fmt: skip


def test_exports_write_the_last_day_which_a_file_means_too(member, operator, at):
    columns = ["expiration_time"]
    content = stream_members(queryset=Member.objects.all(), columns=columns, actor=operator, at=at, reveal=True)
    assert list(csv.reader(io.StringIO(b"".join(content).decode("utf-8-sig"))))[1] == ["2026-12-08"]
    exported = TermResource().export(MembershipTerm.objects.all())
    assert str(exported["expiration_time"][0]) == "2026-12-08"
    within = MIDNIGHT - timedelta(hours=9)
    assert (written_end(within), written_end(None)) == (within, None)


def test_a_segment_asks_for_the_last_day(member, at):
    def found(op: str, day: date) -> bool:
        leaf = {"kind": "membership.expires", "when": {"op": op, "date": day.isoformat()}}
        rule = read_rule({"version": 1, "root": {"kind": "all", "items": [leaf]}})
        return members_of(rule, at).filter(pk=member.pk).exists()

    assert (found("on", EIGHTH), found("on", NINTH)) == (True, False)
    assert (found("before", EIGHTH), found("before", NINTH)) == (False, True)
    assert (found("on_or_after", EIGHTH), found("on_or_after", NINTH)) == (True, False)


def test_days_away_count_from_the_last_day(member):
    assert buyer_of(member.pk, MIDNIGHT + 10 * DAY - timedelta(hours=1)).days_away == 10
