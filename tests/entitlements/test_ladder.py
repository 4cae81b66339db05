"""The ladder's way into force, and whom a change touches."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from config.staff.access import Role
from entitlements.benefits.models import Benefit, LadderVersion, TierBenefit
from entitlements.grants.models import Balance, Grant, Standing
from entitlements.grants.operations.settling import settle_due, settle_members
from entitlements.insight.operations.counting import count_figures
from entitlements.ladder import operations
from entitlements.ladder.changes import changes_of, foresee, impact_of, reach_for, reaches, touched_by
from entitlements.ladder.console.matrix import Ladder
from entitlements.ladder.rules import extra_use, months_in, periods_a_month, wilson
from entitlements.usage.operations.consuming import consume
from entitlements.usage.operations.recording import record_usage
from members.merging.operations.merging import merge_members
from tests import factories
from tests.conftest import signed_in_client
from tests.entitlements.making import AT, DAY, balance, give, make_benefit
from tests.suites.markup import links_with_count, read_page

pytestmark = pytest.mark.django_db

CELL = {"amount": 5, "level": "", "is_held_in_grace": True, "early_hours": 0}


@pytest.fixture
def proposer():
    return factories.UserFactory(role=Role.OPERATOR)


@pytest.fixture
def approver():
    return factories.UserFactory(role=Role.APPROVER)


@pytest.fixture
def plan():
    return factories.PlanFactory(code="gold-month", tier=factories.TierFactory(code="gold", position=3))


def change(benefit, tier, actor, values=CELL, **on):
    return operations.set_cell(
        benefit=benefit, tier=tier, plan=on.get("plan"), values=values, actor=actor, at=AT
    )  # fmt: skip


def into_force(draft, proposer, approver, at=AT):
    operations.submit_ladder(version_id=draft.pk, actor=proposer, at=at, note="More")
    return operations.REVIEW.approve(draft.pk, actor=approver, at=at, reason="")


def test_a_draft_changes_nothing_until_it_is_in_force(plan, proposer, approver):
    benefit, member = make_benefit(), factories.make_member(at=AT - DAY)
    give(benefit, plan.tier, 3)
    factories.make_term(member=member, at=AT, plan=plan)
    assert balance(member, benefit, AT).granted == 3
    draft = change(benefit, plan.tier, proposer)
    assert balance(member, benefit, AT).granted == 3
    assert into_force(draft, proposer, approver).status == "active"
    settle_due(at=AT)
    assert Balance.objects.get(member=member, benefit=benefit).granted == 5
    assert LadderVersion.objects.filter(status="retired").count() == 1


def test_what_was_used_stays_used_when_the_allowance_changes(plan, proposer, approver):
    benefit, member = make_benefit(), factories.make_member(at=AT - DAY)
    give(benefit, plan.tier, 3)
    factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    consume(member_id=member.pk, benefit=benefit, amount=2, at=AT, origin="api")
    into_force(change(benefit, plan.tier, proposer), proposer, approver)
    settle_due(at=AT)
    found = Balance.objects.get(member=member, benefit=benefit)
    assert (found.granted, found.used) == (5, 2)
    old, new = Grant.objects.filter(member=member).order_by("pk")
    assert (old.void_reason, old.voided_at, new.effective_at, new.voided_at) == ("ladder", AT, AT, None)


def test_a_benefit_taken_away_is_gone_and_less_never_goes_below_nothing(plan, proposer, approver):
    benefit, member = make_benefit(), factories.make_member(at=AT - DAY)
    give(benefit, plan.tier, 5)
    factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    consume(member_id=member.pk, benefit=benefit, amount=5, at=AT, origin="api")
    into_force(change(benefit, plan.tier, proposer, CELL | {"amount": 2}), proposer, approver)
    settle_due(at=AT)
    found = Balance.objects.get(member=member, benefit=benefit)
    assert (found.granted, found.used, found.remaining) == (2, 2, 0)
    into_force(change(benefit, plan.tier, proposer, None), proposer, approver)
    settle_due(at=AT)
    assert not Balance.objects.get(member=member, benefit=benefit).is_open


def test_only_those_on_a_changed_tier_are_looked_at(plan, proposer, approver):
    benefit = make_benefit()
    for other in (plan, factories.PlanFactory()):
        factories.make_term(member=(member := factories.make_member(at=AT - DAY)), at=AT, plan=other)
        settle_members(member_ids=[member.pk], at=AT)
    into_force(change(benefit, plan.tier, proposer), proposer, approver)
    assert settle_due(at=AT) == 1


def test_a_version_waits_for_its_day(plan, proposer, approver):
    draft = change(make_benefit(), plan.tier, proposer)
    day = AT + 10 * DAY
    operations.submit_ladder(version_id=draft.pk, actor=proposer, at=AT, note="Later", starts_at=day)
    version = operations.REVIEW.approve(draft.pk, actor=approver, at=AT, reason="")
    assert version.status == "scheduled"
    operations.REVIEW.activate_due(at=day - timedelta(seconds=1))
    assert operations.active_ladder() != version
    operations.REVIEW.activate_due(at=day)
    assert operations.active_ladder() == version


@pytest.mark.parametrize("step", ["own", "unchanged", "past", "waiting", "twice"])
def test_steps_that_do_not_apply_are_refused_and_change_nothing(step, plan, proposer, approver):
    benefit = make_benefit()
    draft = change(benefit, plan.tier, proposer)
    submit = {"version_id": draft.pk, "actor": proposer, "at": AT, "note": "x"}
    if step == "unchanged":
        change(benefit, plan.tier, proposer, None)
    elif step != "past":
        operations.submit_ladder(**submit)
    before = AuditEntry.objects.count()
    refused = {
        "own": lambda: operations.REVIEW.approve(draft.pk, actor=proposer, at=AT, reason=""),
        "unchanged": lambda: operations.submit_ladder(**submit),
        "past": lambda: operations.submit_ladder(**submit, starts_at=AT),
        "waiting": lambda: change(benefit, plan.tier, proposer),
        "twice": lambda: operations.submit_ladder(**submit),
    }
    with pytest.raises(Refused):
        refused[step]()
    assert AuditEntry.objects.count() == before
    assert operations.active_ladder().version == 1


def test_the_impact_counts_whom_a_change_touches(plan, proposer):
    benefit = make_benefit(cost_cents=100)
    give(benefit, plan.tier, 3)
    for n in range(4):
        factories.make_term(member=(member := factories.make_member(at=AT - DAY)), at=AT, plan=plan)
        settle_members(member_ids=[member.pk], at=AT)
        if n == 0:
            consume(member_id=member.pk, benefit=benefit, amount=1, at=AT, origin="api")
    count_figures(at=AT)
    draft = change(benefit, plan.tier, proposer)
    active = operations.active_ladder()
    found = changes_of(draft, active)
    touched = touched_by(foresee(found, active, draft, at=AT))[found[0].code]
    impact = impact_of(found[0], touched, reach_for(found[0], reaches()))
    assert (found[0].kind, impact.members, impact.granted) == ("more", 4, 8)
    # One in four used it: two of the eight.
    assert (impact.use.expected, impact.cost.expected) == (2, 200)
    assert impact.cost.low < 200 < impact.cost.high


@pytest.mark.parametrize("is_held", [True, False])
def test_the_members_of_a_change_lead_to_exactly_those(client, plan, proposer, is_held):
    benefit, members = make_benefit(), [factories.make_member(at=AT - 100 * DAY) for _ in range(4)]
    free, in_term, in_grace, elsewhere = members
    factories.make_term(member=in_term, at=AT - DAY, plan=plan)
    factories.make_term(member=in_grace, at=AT - 3 * DAY, plan=plan)
    factories.make_term(member=elsewhere, at=AT - DAY)
    settle_members(member_ids=[member.pk for member in members], at=AT)
    Standing.objects.filter(member=in_grace).update(via="grace")
    more = factories.PlanFactory(code="gold-more", tier=plan.tier)
    change(benefit, plan.tier, proposer, CELL | {"is_held_in_grace": is_held})
    change(benefit, None, proposer)
    change(benefit, None, proposer, {"amount": 1, "level": ""}, plan=plan)
    change(benefit, None, proposer, {"amount": 1, "level": ""}, plan=more)
    # What a plan adds is held along with the tier's cell.
    expected = [{free.pk}, *[{in_term.pk, in_grace.pk} if is_held else {in_term.pk}] * 2, set()]
    client.force_login(proposer)
    submit = client.get(reverse("ladder:submit", args=[LadderVersion.objects.coming().get().pk])).content.decode()
    found = []
    for shown in Ladder(AT).impacts:
        listed = client.get(shown.href).content.decode()
        found.append({member.pk for member in members if f"/console/members/{member.pk}/" in listed})
        assert shown.impact.members == len(found[-1])
        assert (f'href="{escape(shown.href)}"' in submit) == bool(found[-1])
    assert sorted(found, key=str) == sorted(expected, key=str)
    page = reverse("ladder:members", args=[LadderVersion.objects.coming().get().pk])
    for nonsense in ("", "x", "1.tier", f"{benefit.pk}.plan.free", f"{benefit.pk}.tier.²", "1.x.1", "...."):
        assert client.get(page, {"what": nonsense}).context["rows"] == []


def test_a_cell_that_is_being_edited_leads_to_whom_it_would_touch(client, plan, proposer):
    benefit, members = make_benefit(), [factories.make_member(at=AT - 100 * DAY) for _ in range(2)]
    give(benefit, plan.tier, 3)
    for member in members:
        factories.make_term(member=member, at=AT - DAY, plan=plan)
    settle_members(member_ids=[member.pk for member in members], at=AT)
    client.force_login(proposer)
    cell = reverse("ladder:cell", args=["gold", benefit.code])
    [link] = links_with_count(
        read_page(client.get(f"{cell}?preview=1&is_given=on&amount=8&early_hours=0").content.decode())
    )
    assert link.attributes["data-count"] == "2"
    rows = client.get(link.attributes["href"]).context["rows"]
    assert [row.member.pk for row in rows] == [member.pk for member in members]
    assert [(row.before[0], row.after[0]) for row in rows] == [("3", "8")] * 2
    # As it stands nothing differs; taken away, everybody loses it.
    assert not links_with_count(read_page(client.get(cell).content.decode()))
    [lost] = links_with_count(read_page(client.get(f"{cell}?preview=1&amount=8&early_hours=0").content.decode()))
    assert [row.after for row in client.get(lost.attributes["href"]).context["rows"]] == ["—"] * 2
    change(benefit, None, proposer, {"amount": 1, "level": ""}, plan=plan)
    addition = client.get(reverse("ladder:addition", args=[plan.code, benefit.code])).content.decode()
    [link] = links_with_count(read_page(addition))
    assert len(client.get(link.attributes["href"]).context["rows"]) == 2


def test_whoever_was_merged_stands_on_no_tier(client, proposer, admin):
    benefit = make_benefit()
    survivor, absorbed = (factories.make_member(at=AT - DAY) for _ in range(2))
    settle_members(member_ids=[survivor.pk, absorbed.pk], at=AT)
    merge_members(actor=admin, at=AT, survivor_id=survivor.pk, absorbed_id=absorbed.pk)
    change(benefit, None, proposer)
    client.force_login(proposer)
    ladder = Ladder(AT)
    assert (ladder.columns[0].members, ladder.impacts[0].impact.members) == (1, 1)
    rows = client.get(reverse("ladder:standing", args=["free"])).context["standings"]
    assert [row.member_id for row in rows] == [survivor.pk]


@pytest.mark.parametrize(
    ("before", "after", "kind"), [(3, None, "more"), (None, 3, "less"), (3, 5, "more"), (5, 3, "less"), (3, 3, "other")]
)
def test_a_limit_taken_away_is_more_and_one_set_is_less(plan, proposer, before, after, kind):
    benefit = make_benefit()
    give(benefit, plan.tier, before)
    values = CELL | {"amount": after, "is_held_in_grace": before != after}
    draft = change(benefit, plan.tier, proposer, values)
    assert [found.kind for found in changes_of(draft, operations.active_ladder())] == [kind]


def test_a_month_of_each_usage_period():
    often = {period: periods_a_month(period, []) for period in ("day", "week", "month", "quarter", "year", "never")}
    assert often == pytest.approx(
        {"day": 30.436875, "week": 4.348125, "month": 1, "quarter": 1 / 3, "year": 1 / 12, "never": 1}
    )
    # One on a yearly plan, three on a monthly one.
    assert periods_a_month("term", [(12, 1), (1, 3)]) == pytest.approx((1 / 12 + 3) / 4)
    assert periods_a_month("term", []) == 0
    assert (months_in("day", 73), months_in("year", 2)) == (pytest.approx(2.398, abs=0.001), 24)


@pytest.mark.parametrize(
    ("period", "cost", "words"),
    [("month", 500, "a month"), ("year", 42, "a month"), ("term", 167, "a month"), ("never", 500, "once")],
)
def test_the_cost_of_a_change_is_of_a_month(plan, proposer, period, cost, words):
    plan.duration_unit, plan.duration_count = "month", 3
    plan.save()
    benefit, member = make_benefit(cost_cents=100, period=period), factories.make_member(at=AT - DAY)
    give(benefit, plan.tier, 3)
    factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    consume(member_id=member.pk, benefit=benefit, amount=1, at=AT, origin="api")
    count_figures(at=AT)
    draft = change(benefit, plan.tier, proposer, CELL | {"amount": 8})
    [shown] = Ladder(AT).impacts
    assert (shown.impact.use.expected, shown.impact.cost.expected) == (5, cost)
    client = signed_in_client(proposer)
    page = client.get(reverse("ladder:submit", args=[draft.pk])).content.decode()
    assert f'<span class="m s">{words}</span>' in page
    assert "a quarter a third" in page


def test_the_costs_of_the_matrix_are_of_one_month_whatever_the_usage_period(plan, proposer):
    plan.duration_unit, plan.duration_count = "year", 1
    plan.save()
    monthly, yearly = make_benefit(cost_cents=100, worth_cents=200), make_benefit(cost_cents=300, period="year")
    member = factories.make_member(at=AT - 100 * DAY)
    factories.make_term(member=member, at=AT - 90 * DAY, plan=plan)
    for benefit in (monthly, yearly):
        give(benefit, plan.tier, 10)
    settle_members(member_ids=[member.pk], at=AT)
    month = Ladder(AT).month
    then = datetime(month.year, month.month, 15, tzinfo=UTC)
    rows = [(monthly, then, 2), (monthly, AT, 5), (yearly, then, 1), (yearly, then - 40 * DAY, 4)]
    record_usage(
        rows=[
            {"member_id": member.pk, "benefit_id": benefit.pk, "used_at": at, "amount": amount, "key": str(n)}
            for n, (benefit, at, amount) in enumerate(rows)
        ],
        at=AT, origin="event",
    )  # fmt: skip
    count_figures(at=AT)
    ladder = Ladder(AT)
    cells = {
        (cell.column.key, row.benefit.pk): cell.use.cost_cents
        for _label, rows in ladder.groups for row in rows for cell in row.cells
    }  # fmt: skip
    assert (cells["gold", monthly.pk], cells["gold", yearly.pk], cells["free", monthly.pk]) == (200, 300, 0)
    assert (ladder.totals[-1].cost_cents, ladder.totals[-1].worth_cents) == (500, 400)
    client = signed_in_client(proposer)
    page = client.get(reverse("ladder:index"), {"view": "cost"}).content.decode()
    assert f"Every figure is of one calendar month, {month:%Y-%m}" in page
    assert "Every figure is of" not in client.get(reverse("ladder:index")).content.decode()


def test_the_interval_is_wilsons():
    """Wilson's interval for 18 of 100 at 95 %, as published tables give it."""
    found = wilson(18, 100, z=1.959964)
    assert (round(found.low, 3), round(found.high, 3)) == (0.117, 0.267)
    assert extra_use(-10, 5, 10).expected == -5


def test_the_page_shows_before_and_after_and_edits_in_the_drawer(client, plan, proposer):
    benefit = make_benefit(name="Vouchers", unit="vouchers")
    give(benefit, plan.tier, 3)
    client.force_login(proposer)
    href = reverse("ladder:cell", args=["gold", benefit.code])
    assert b'name="amount" value="3"' in client.get(href, headers={"HX-Request": "true"}).content
    preview = client.get(f"{href}?preview=1&is_given=on&amount=9", headers={"HX-Request": "true"})
    assert b"stairs" in preview.content
    assert not LadderVersion.objects.coming().exists()
    response = client.post(href, {"is_given": "on", "amount": 9, "early_hours": 0}, headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"]) == (204, reverse("ladder:index"))
    cells = [cell for _, rows in Ladder(AT).groups for row in rows for cell in row.cells if cell.is_changed]
    assert [(cell.cell.amount, cell.before.amount) for cell in cells] == [(9, 3)]
    assert client.post(href, {"is_given": "on", "amount": -1, "early_hours": 0}).status_code == 422


def test_whoever_may_not_propose_changes_no_cell(client, plan):
    benefit = make_benefit()
    client.force_login(factories.UserFactory(role=Role.VIEWER))
    response = client.post(reverse("ladder:cell", args=["gold", benefit.code]), {"is_given": "on", "amount": 1})
    assert response.status_code == 403
    assert not TierBenefit.objects.exists()


def test_a_day_that_is_over_is_refused_beside_what_was_typed(client, plan, proposer):
    draft = change(make_benefit(), plan.tier, proposer)
    client.force_login(proposer)
    page = reverse("ladder:submit", args=[draft.pk])
    refused = client.post(page, {"note": "Five for gold", "starts_at": "2020-01-01T08:00"})
    assert refused.status_code == 422
    assert "starts_at" in refused.context["form"].errors
    assert 'value="Five for gold"' in refused.content.decode()
    assert LadderVersion.objects.get(pk=draft.pk).status == "draft"
    assert client.post(page, {"note": "Five for gold", "starts_at": ""}).status_code == 302
    assert LadderVersion.objects.get(pk=draft.pk).status == "submitted"


def test_the_history_names_what_each_version_changed_with_before_and_after(client, plan, proposer, approver):
    benefit = make_benefit(name="Offline", name_zh="离线", unit="films")
    type(plan.tier).objects.update(name="Golden", name_zh="黄金")
    give(benefit, plan.tier, 3)
    into_force(change(benefit, plan.tier, proposer), proposer, approver)
    seven = change(benefit, plan.tier, proposer, CELL | {"amount": 7})
    operations.submit_ladder(version_id=seven.pk, actor=proposer, at=AT, note="Seven")
    operations.REVIEW.reject(seven.pk, actor=approver, at=AT, reason="")
    addition = change(benefit, None, proposer, {"amount": 2, "level": ""}, plan=plan)
    into_force(addition, proposer, approver)
    client.force_login(proposer)
    found = client.get(reverse("ladder:history")).context["history"]
    with translation.override("en"):
        told = [(c.benefit, c.on, c.before, c.after) for past in found for c in past.changes]
    assert told == [
        ("Offline", plan.name, "—", "2 films a month"), ("Offline", "Golden", "5 films a month", "7 films a month"),
        ("Offline", "Golden", "3 films a month", "5 films a month"),
    ]  # fmt: skip
    with translation.override("zh-hans"):
        assert [(c.benefit, c.on) for past in found for c in past.changes][1:] == [("离线", "黄金")] * 2
    page = client.get(reverse("ladder:history")).content.decode()
    assert "黄金" in page
    assert "<td><b>5 films/月</b></td>" in page
    assert benefit.code not in page


def test_a_tier_that_would_get_less_than_the_one_below_is_named(client, plan, proposer):
    silver = factories.TierFactory(code="silver", name="Silver", position=2)
    benefit, other = make_benefit(name="Downloads"), make_benefit(name="Left alone")
    for tier, amount in ((silver, 8), (plan.tier, 10)):
        give(benefit, tier, amount)
    give(other, silver, 1)
    draft = change(benefit, plan.tier, proposer)
    client.force_login(proposer)
    address = reverse("ladder:submit", args=[draft.pk])
    page = client.get(address, headers={"accept-language": "en"}).content.decode()
    assert f"Downloads: {plan.tier.name} gets less than Silver" in page
    assert "Left alone:" not in page
    change(benefit, plan.tier, proposer, CELL | {"amount": None})
    assert "gets less than" not in client.get(address, headers={"accept-language": "en"}).content.decode()


def test_a_benefit_is_an_access_or_a_quota():
    """Amounts that are metered are quotas without a hard limit: what goes on beyond is overage."""
    assert Benefit.Kind.values == ["access", "quota"]
