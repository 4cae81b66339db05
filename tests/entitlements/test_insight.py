"""The figures of benefits, the pages that show them, and the editors."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings

from config.engine.refusal import Refused
from entitlements.benefits.models import Benefit, Pack, PackBenefit
from entitlements.benefits.operations.saving import archive_benefit, save_benefit
from entitlements.benefits.rules import Offered, best_pack
from entitlements.insight.console.pages import Overview
from entitlements.insight.models import BenefitMonth, BenefitReach, FiguresRun
from entitlements.insight.operations.counting import count_due, count_figures
from entitlements.insight.rules import months_back, shade, suggestion
from entitlements.insight.tasks import count_benefit_figures
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import reverse
from tests.entitlements.insight import Base, make_benefit

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(at: datetime) -> Base:
    return Base(at)


@pytest.fixture
def present(monkeypatch, at: datetime) -> None:
    monkeypatch.setattr("config.engine.clock.now", lambda: at)


def _month(base: Base, month: str) -> BenefitMonth | None:
    return BenefitMonth.objects.filter(benefit=base.downloads, month=month, tier=base.plan.tier).first()


def test_reach_and_amount(base: Base) -> None:
    often, once, never = (base.member() for _ in range(3))
    base.use(often, base.downloads, times=10)
    base.use(once, base.downloads, days_ago=35)
    count_figures(at=base.at)
    reach = BenefitReach.objects.get(benefit=base.downloads, by="all")
    figures = (reach.entitled, reach.reached, reach.at_limit, reach.granted, reach.used)
    assert figures == (3, 1, 1, 30, 10)
    row = next(row for row in Overview(base.at).rows if row.benefit == base.downloads)
    assert (row.reached_share, row.used_share) == (1 / 3, 1 / 3)
    assert BenefitReach.objects.get(benefit=base.downloads, by="tier").value == str(base.plan.tier.pk)
    assert never.pk


def test_months_are_counted_anew_when_they_change(base: Base) -> None:
    member = base.member()
    base.use(member, base.downloads, times=2)
    base.use(member, base.downloads, times=3, days_ago=40)
    count_figures(at=base.at)
    now, then = _month(base, "2026-11-01"), _month(base, "2026-10-01")
    assert (now.members, now.uses, now.worth_cents, now.entitled) == (1, 2, 200, 1)
    assert (then.members, then.uses, then.entitled) == (1, 3, None)
    used = UsageRecord.objects.filter(at__lt=base.at - timedelta(days=30)).first()
    later = base.at + timedelta(days=2)
    reverse(record_id=used.pk, at=later, origin="hand")
    count_figures(at=later)
    assert (_month(base, "2026-10-01").uses, _month(base, "2026-11-01").uses) == (2, 2)


def test_the_first_count_without_anything(at: datetime) -> None:
    assert count_figures(at=at) == FiguresRun.objects.get()
    assert not BenefitReach.objects.exists()


def test_counted_when_an_hour_has_passed_however_long_nothing_ran(base: Base, django_assert_num_queries) -> None:
    assert count_due(at=base.at) == FiguresRun.objects.get()
    with django_assert_num_queries(1):
        assert count_due(at=base.at + timedelta(minutes=59)) is None
    late = base.at + timedelta(hours=7, minutes=23)
    run = count_due(at=late)
    assert run is not None
    assert run.at == late
    assert count_due(at=late + timedelta(minutes=1)) is None
    assert FiguresRun.objects.count() == 2


def test_whether_a_count_is_due_is_asked_often() -> None:
    """A tick is dropped when no worker is there; the next one must not be an hour away."""
    entry = settings.CELERY_BEAT_SCHEDULE["benefit-figures"]
    assert entry["task"] == count_benefit_figures.name
    assert entry["schedule"] <= 60
    count_benefit_figures()
    count_benefit_figures()
    assert FiguresRun.objects.count() == 1


def test_numbers_lead_to_the_members_behind_them(base: Base, client_as, present) -> None:
    used, idle = base.member(display_name="Used It"), base.member(display_name="Never Did")
    base.use(used, base.downloads, times=10)
    count_figures(at=base.at)
    client = client_as("operator")
    row = next(row for row in Overview(base.at).rows if row.benefit == base.downloads)

    def listed(address: str) -> set[int]:
        found = client.get(address)
        assert found.status_code == 200
        return {member.pk for member in (used, idle) if f"/console/members/{member.pk}/" in found.content.decode()}

    assert listed(row.held_href) == {used.pk, idle.pk}
    assert listed(row.used_href) == listed(row.limit_href) == {used.pk}


def test_a_month_of_the_heat_map_leads_to_whoever_used_it_then(base: Base, client_as, present) -> None:
    now, then, undone = base.member(), base.member(), base.member()
    base.use(now, base.downloads)
    base.use(then, base.downloads, days_ago=40)
    base.use(undone, base.downloads)
    reverse(record_id=UsageRecord.objects.get(member=undone).pk, at=base.at, origin="hand")
    count_figures(at=base.at)
    client = client_as("viewer")
    months = next(row for row in Overview(base.at).rows if row.benefit == base.downloads).months
    for cell, expected in zip(months[-2:], (then, now), strict=True):
        page = client.get(cell.href).content.decode()
        assert [m.pk for m in (now, then, undone) if f"/console/members/{m.pk}/" in page] == [expected.pk]
        assert f"Downloads · {cell.month:%Y-%m}" in page
    for address in ("/console/benefits/", f"/console/benefits/{base.downloads.pk}/"):
        assert client.get(address).content.decode().count(f"{base.downloads.pk}-2026-1") == 2
    for nonsense in ("", "x", "1-x", "9-2026-13", "1-9999-12", "1-2026-11-02"):
        assert client.get("/console/members/", {"by": f"benefit_month.{nonsense}"}).status_code == 200


def test_list_and_benefit_page(base: Base, client_as, present, monkeypatch) -> None:
    members = [base.member() for _ in range(20)]
    count_figures(at=base.at)
    page = client_as("viewer").get("/console/benefits/").content.decode()
    assert 'data-heat="0"' in page
    assert "Next to nobody uses it" in page
    assert "It costs money and few use it" not in page
    detail = client_as("viewer").get(f"/console/benefits/{base.downloads.pk}/").content.decode()
    assert "Nobody used it in the last 12 months." in detail
    assert "no tier" not in detail
    base.use(members[0], base.export)
    count_figures(at=base.at)
    page = client_as("viewer").get("/console/benefits/").content.decode()
    assert "It costs money and few use it" in page
    assert "The count is overdue" not in page
    monkeypatch.setattr("config.engine.clock.now", lambda: base.at + timedelta(hours=4))
    assert "The count is overdue" in client_as("viewer").get("/console/benefits/").content.decode()


def test_rules() -> None:
    assert [month.isoformat() for month in months_back(datetime(2026, 2, 3).date(), 3)] == [
        "2025-12-01", "2026-01-01", "2026-02-01",
    ]  # fmt: skip
    assert [shade(share) for share in (None, 0, 0.001, 0.05, 0.051, 1)] == [0, 0, 1, 1, 2, 5]
    assert [suggestion(0.2, 9, True), suggestion(0.2, 9, False), suggestion(0.01, 0, False)] == [
        "teach", "replace", "drop",
    ]  # fmt: skip


def test_the_pack_that_covers_most_and_costs_least() -> None:
    packs = [Offered(1, 900, [1, 2]), Offered(2, 600, [1, 2, 3]), Offered(3, 100, [3])]
    assert best_pack(packs, {1: 5, 2: 1}) == packs[1]
    assert best_pack(packs, {3: 1}) == packs[2]
    assert best_pack(packs, {9: 1}) is None


# Editing.


def test_kind_and_period_stay_once_granted(base: Base) -> None:
    save_benefit(benefit_id=base.downloads.pk, actor=None, at=base.at, period="quarter")
    base.member()
    with pytest.raises(Refused, match="granted"):
        save_benefit(benefit_id=base.downloads.pk, actor=None, at=base.at, period="year")
    save_benefit(benefit_id=base.downloads.pk, actor=None, at=base.at, name="Renamed")
    base.downloads.refresh_from_db()
    assert (base.downloads.name, base.downloads.period) == ("Renamed", "quarter")


def test_unlocking_in_a_circle_is_refused(base: Base) -> None:
    save_benefit(benefit_id=base.export.pk, actor=None, at=base.at, unlocked_by=base.downloads)
    with pytest.raises(Refused, match="unlocks_itself"):
        save_benefit(benefit_id=base.downloads.pk, actor=None, at=base.at, unlocked_by=base.export)


def test_what_is_given_is_not_archived(base: Base) -> None:
    with pytest.raises(Refused, match="in_ladder"):
        archive_benefit(benefit_id=base.downloads.pk, actor=None, at=base.at)
    free = make_benefit(at=base.at, code="free", name="Free")
    archive_benefit(benefit_id=free.pk, actor=None, at=base.at)
    assert list(Benefit.objects.filter(is_archived=True)) == [free]


def test_the_form_asks_what_the_kind_needs_and_saves(base: Base, client_as, present) -> None:
    client = client_as("operator")
    assert 'name="rollover_max"' not in client.get("/console/benefits/new/?kind=access").content.decode()
    body = {"code": "lounge", "name": "Lounge", "category": "interest", "worth_cents": "20", "when_denied": "locked"}
    assert client.post("/console/benefits/new/?kind=access", {**body, "name": ""}).status_code == 422
    bad = client.post("/console/benefits/new/?kind=access", {**body, "code": "a b"})
    assert "Use letters without accents, digits, hyphens and underscores only." in bad.content.decode()
    assert client.post("/console/benefits/new/?kind=access", body).status_code == 302
    made = Benefit.objects.get(code="lounge")
    assert (made.kind, made.worth_cents, made.cost_cents, made.unlocked_after) == ("access", 2_000, 0, 1)
    again = client.post("/console/benefits/new/?kind=access", body)
    assert again.status_code == 422
    assert client_as("viewer").post("/console/benefits/new/", body).status_code == 403
    assert Benefit.objects.filter(code="lounge").count() == 1


def test_a_pack_is_edited_whole(base: Base, client_as, present) -> None:
    body = {
        "code": "cinema", "name": "Cinema", "price_cents": "59", "days": "90", "is_sold": "on",
        "parts-TOTAL_FORMS": "2", "parts-INITIAL_FORMS": "0",
        "parts-0-benefit": base.downloads.pk, "parts-0-amount": "2", "parts-1-benefit": "",
    }  # fmt: skip
    client = client_as("operator")
    assert client.post("/console/benefits/packs/new/", {**body, "parts-0-benefit": ""}).status_code == 422
    twice = {**body, "parts-1-benefit": base.downloads.pk}
    assert client.post("/console/benefits/packs/new/", twice).status_code == 422
    assert not Pack.objects.exists()
    assert client.post("/console/benefits/packs/new/", body).status_code == 302
    pack = Pack.objects.get()
    body |= {"parts-INITIAL_FORMS": "1", "parts-0-amount": "3"}
    assert client.post(f"/console/benefits/packs/{pack.pk}/", body).status_code == 302
    assert list(PackBenefit.objects.values_list("amount", flat=True)) == [3]
