"""The real files, where they lie: the telco subscribers and the CDNOW purchases."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import File
from django.db.models import Count, Sum

from members.events.models import Event
from members.imports.models import ImportRun
from members.imports.operations.uploads import receive, start_check
from members.imports.operations.work import work
from members.imports.operations.writes import confirm
from members.lifecycle.models import MemberLifecycle
from members.people.models import Identity, Member
from members.plans.models import Plan
from members.terms.models import MembershipTerm
from tests.members.imports.files import again

pytestmark = pytest.mark.django_db


def sample(name: str) -> Path:
    path = Path(settings.SAMPLE_DATA_DIR) / name
    if not path.exists():
        pytest.skip(f"{name} is not in SAMPLE_DATA_DIR")
    return path


def through(path: Path, *, actor, at, options=None) -> ImportRun:
    with path.open("rb") as stream:
        run = receive(upload=File(stream, name=path.name), actor=actor, at=at)
    assert start_check(run_id=run.pk, mapping=run.mapping, options=options or {})
    work(run_id=run.pk, at=at)
    run = again(run)
    assert run.status == "checked", (run.failure_code, run.failure_detail)
    assert confirm(run_id=run.pk, mode="all", actor=actor, at=at), list(run.issues.values()[:3])
    work(run_id=run.pk, at=at)
    return again(run)


def test_telco_subscribers_become_members_with_terms_counted_back_from_the_as_of_date(operator, at):
    path = sample("telco_customer_churn.csv")
    run = through(path, actor=operator, at=at, options={"as_of_on": "2026-11-16"})
    assert run.profile == "telco"
    assert (run.status, run.rows_read, run.created_count, run.rows_rejected) == ("done", 7043, 7043, 0)
    assert Member.objects.count() == 7043
    states = dict(MemberLifecycle.objects.values_list("lifecycle_state").annotate(n=Count("pk")))
    # Those who left did so on the as-of date: they are expired on that day, the others are covered.
    assert states["expired"] == 1869
    assert sum(states.values()) == 7043
    assert Plan.objects.filter(code__startswith="telco-").count() == 3
    # 7590-VHVEG: one month of tenure, month-to-month, still there, 29.85 a month by electronic check.
    member = Identity.objects.get(value="telco-7590-VHVEG").member
    assert list(member.terms.order_by("starts_at").values_list("starts_at", "ends_at", "price_cents", "currency")) == [
        (datetime(2026, 10, 15, 16, tzinfo=UTC), datetime(2026, 11, 15, 16, tzinfo=UTC), 2985, "USD"),
        (datetime(2026, 11, 15, 16, tzinfo=UTC), datetime(2026, 12, 15, 16, tzinfo=UTC), 2985, "USD"),
    ]
    # 5575-GNVDE: 34 months on one-year contracts, so the third year runs.
    member = Identity.objects.get(value="telco-5575-GNVDE").member
    past, current = member.terms.order_by("starts_at")
    assert (past.starts_at, past.ends_at, past.price_cents) == (
        datetime(2024, 1, 15, 16, tzinfo=UTC), datetime(2026, 1, 15, 16, tzinfo=UTC), 5695 * 24,
    )  # fmt: skip
    assert (current.ends_at, current.anchor_months) == (datetime(2027, 1, 15, 16, tzinfo=UTC), 12)
    zero = Member.objects.filter(attributes__tenure_months=0)
    assert zero.count() == 11
    assert (
        MembershipTerm.objects.filter(member__in=zero, starts_at=datetime(2026, 11, 15, 16, tzinfo=UTC)).count() == 11
    )

    repeated = through(path, actor=operator, at=at, options={"as_of_on": "2026-11-16"})
    assert (repeated.created_count, repeated.updated_count, repeated.unchanged_count) == (0, 0, 7043)


def test_cdnow_purchases_become_events_and_duplicates_are_real(operator, at):
    path = sample("cdnow_master.txt")
    run = through(path, actor=operator, at=at)
    assert run.profile == "cdnow"
    assert (run.rows_read, run.rows_rejected, run.created_count) == (69659, 0, 69659)
    assert run.details["members"] == 23570
    assert Member.objects.count() == 23570
    totals = Event.objects.aggregate(n=Count("id"), value=Sum("value_cents"))
    assert (totals["n"], totals["value"]) == (69659, 250031563)
    assert Event.objects.filter(value_cents=0).count() == 80
    assert sum(Event.objects.values_list("properties__count", flat=True)) == 167881
    assert set(MemberLifecycle.objects.values_list("lifecycle_state", flat=True)) == {"prospect"}
    assert Event.objects.filter(message_id=f"cdnow:{run.sha256[:16]}:2").get().occurred_at == datetime(
        1997, 1, 1, 4, tzinfo=UTC
    )

    repeated = through(path, actor=operator, at=at)
    assert (repeated.created_count, repeated.unchanged_count) == (0, 69659)
    assert Event.objects.count() == 69659
    assert Member.objects.count() == 23570
