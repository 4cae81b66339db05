"""The write: one transaction that either lands whole or not at all, then the sweep and the comparison."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from members.events.models import Source
from members.events.operations.recording import record_events_from
from members.imports import apply, comparison, staging
from members.imports.apply import Occasion, Write
from members.imports.issues import is_good
from members.imports.models import ImportEffect, ImportRun
from members.imports.operations.checks import SESSION, check, judge, plan_of, prepare, source_code
from members.imports.shapes import EVENT_PROFILES, SHAPES
from members.imports.validation import Plan
from members.lifecycle.operations.sweep import sweep
from members.plans.models import Plan as SoldPlan
from members.plans.models import Tier

Status = ImportRun.Status
# How often a write is tried again when what it saw has changed under it.
RETRIES = 3

SOURCE_NAMES = {"cdnow": "CDNOW", "file": "Imported files"}
# The telco file's contracts: plan code, name, Chinese name, unit, count, months.
TELCO_PLANS = {
    "month": ("telco-month", "Telco month-to-month", "电信按月合约", "month", 1, 1),
    "year": ("telco-one-year", "Telco one year", "电信一年合约", "year", 1, 12),
    "two_years": ("telco-two-years", "Telco two years", "电信两年合约", "year", 2, 24),
}
TELCO_TIER = ("telco", "Telco subscriber", "电信用户")


def confirm(*, run_id: int, mode: str, actor: User, at: datetime) -> bool:
    """Hand a checked run to a worker for writing; returns False when it is not waiting for that.

    Raises Refused when all rows must be good and some are not, or when no row is good.
    """
    run = ImportRun.objects.get(pk=run_id)
    if mode == ImportRun.Mode.ALL and run.rows_rejected:
        raise Refused("rows_rejected", count=run.rows_rejected)
    if run.rows_read <= run.rows_rejected:
        raise Refused("nothing_to_write")
    return ImportRun.objects.advance(
        run_id, Status.CHECKED, Status.APPLYING, mode=mode, confirmed_by=actor, confirmed_at=at, attempts=0,
        step="", progress_done=0, progress_total=0,
    )  # fmt: skip


def write(*, run_id: int, at: datetime) -> None:
    """Write a confirmed run in one transaction. After a crash it begins anew; written runs are past this status.

    When other work changed the same members since the check, the file is judged again: with the same rows rejected it
    is written, otherwise the run goes back to wait for a person.
    """
    run = ImportRun.objects.get(pk=run_id)
    rejected = run.rows_rejected
    if not staging.is_staged(run_id, run.rows_read, rejected):
        prepare(run)
        judge(run)
    for attempt in range(RETRIES):
        if attempt or apply.changed_since(run.checked_at or at):
            run.checked_at = at
            found = judge(run)
            run.to_create, run.to_update = found["create"], found["update"]
            if found["rejected"] != rejected:
                ImportRun.objects.advance(run_id, Status.APPLYING, Status.CHECKING, attempts=0)
                return check(run_id=run_id, at=at)
        try:
            return _write(run, at=at)
        except IntegrityError:
            if attempt == RETRIES - 1:
                raise Refused("changed_meanwhile") from None
    return None


def _write(run: ImportRun, *, at: datetime) -> None:
    plan = plan_of(run)
    creates = plan.shape.creates_members and run.to_create > 0
    base = apply.reserve_member_ids(apply.last_row_no(run.pk)) if creates else 0
    occasion = Occasion(at, run.confirmed_by_id, base)
    with _told(run.pk) as tell, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SESSION)
            # Foreign keys are checked a statement at a time and not in one long pause at the end.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if run.profile in EVENT_PROFILES:
            details = _write_events(run, plan, occasion, tell)
        else:
            if run.to_update or run.profile == ImportRun.Profile.TERMS:
                apply.lock_members(plan)
            ids = _telco_plans(run, at=at) if run.profile == ImportRun.Profile.TELCO else {}
            if run.profile == ImportRun.Profile.TERMS:
                writes = apply.term_writes(plan, occasion)
            else:
                writes = apply.member_writes(plan, occasion, ids, creates=run.to_create > 0, updates=run.to_update > 0)
            _run(list(writes), tell)
            details = {}
        _finish_write(run, occasion, details)


def _run(writes: list[Write], tell: "Teller") -> None:
    with connection.cursor() as cursor:
        for done, one in enumerate(writes):
            tell(one.step, done, len(writes))
            cursor.execute(one.sql)


def _finish_write(run: ImportRun, occasion: Occasion, details: dict[str, int]) -> None:
    effects = ImportEffect.objects.filter(run=run)
    created, updated = run.to_create, 0
    if run.profile == ImportRun.Profile.TERMS:
        created = effects.filter(noun=ImportEffect.Noun.TERM).count()
    elif run.profile in EVENT_PROFILES:
        created = details["events"]
    else:
        created = _created_members(occasion.first_member_id, run) if occasion.first_member_id else 0
        # Effects on members made in this very run are not updates.
        known = effects.exclude(member_id__gt=occasion.first_member_id) if occasion.first_member_id else effects
        updated = known.values("member_id").distinct().count()
    valid = run.rows_read - run.rows_rejected
    moved = ImportRun.objects.advance(
        run.pk, Status.APPLYING, Status.SETTLING, applied_at=occasion.at, first_member_id=occasion.first_member_id or None,
        created_count=created, updated_count=updated, unchanged_count=max(valid - created - updated, 0),
        details={**run.details, **details}, attempts=0, step="settling", progress_done=0, progress_total=0,
    )  # fmt: skip
    if not moved:
        raise RuntimeError(f"import {run.pk} was taken from its worker")
    facts: dict[str, Any] = {
        "profile": run.profile, "sha256": run.sha256, "mode": run.mode, "created": created, "updated": updated,
        "rejected": run.rows_rejected,
    }  # fmt: skip
    audit(run, "import.written", actor=run.confirmed_by, at=occasion.at, **(facts | details))


def _created_members(base: int, run: ImportRun) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM members_member WHERE id > %s AND id <= %s + %s",
            [base, base, apply.last_row_no(run.pk)],
        )
        return cursor.fetchone()[0]


def _write_events(run: ImportRun, plan: Plan, occasion: Occasion, tell: "Teller") -> dict[str, int]:
    code = source_code(run)
    # A file is no live feed: it starts no silence rule, however long ago its last event was.
    source, _ = Source.objects.get_or_create(
        code=code, defaults={"name": SOURCE_NAMES[code], "is_activity_source": False}
    )
    members = 0
    if plan.shape.creates_members:
        _run(list(apply.customer_writes(plan, occasion)), tell)
        members = _created_members(occasion.first_member_id, run) if occasion.first_member_id else 0
    tell("events", 0, 1)
    span = _span(run.pk)
    stored = record_events_from(
        incoming=apply.events_select(plan), params={}, span=span, source=source, at=occasion.at
    ) if span else 0  # fmt: skip
    _run([Write("events", apply.note_events(plan, source.pk, occasion))], tell)
    return {"events": stored, "members": members}


def _span(run_id: int) -> tuple[date, date] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT min(r.occurred_at)::date, max(r.occurred_at)::date FROM {staging.rows_table(run_id)} r "
            f"WHERE {is_good(run_id)}"
        )
        first, last = cursor.fetchone()
    return (first, last) if first else None


def _telco_plans(run: ImportRun, *, at: datetime) -> Mapping[str, tuple[int, int]]:
    """The plan and tier of each contract: those chosen in the wizard, else the file's own, made once."""
    chosen = {contract: run.options.get(f"plan_{contract}") for contract in TELCO_PLANS}
    known = SoldPlan.objects.in_bulk([int(pk) for pk in chosen.values() if pk])
    ids = {}
    for contract, pk in chosen.items():
        plan = known[int(pk)] if pk else _own_plan(run, contract, at=at)
        ids[contract] = (plan.pk, plan.tier_id)
    return ids


def _own_plan(run: ImportRun, contract: str, *, at: datetime) -> SoldPlan:
    code, name, name_zh, unit, count, months = TELCO_PLANS[contract]
    tier_code, tier_name, tier_zh = TELCO_TIER
    tier = Tier.objects.filter(code=tier_code).first()
    if tier is None:
        position = (Tier.objects.aggregate(top=Max("position"))["top"] or 0) + 1
        tier, _ = Tier.objects.get_or_create(
            code=tier_code, defaults={"name": tier_name, "name_zh": tier_zh, "position": position}
        )
    plan, made = SoldPlan.objects.get_or_create(
        code=code,
        defaults={
            "name": name, "name_zh": name_zh, "tier": tier, "duration_unit": unit, "duration_count": count,
            "price_cents": _median_charge(run.pk, contract) * months,
            "currency": SHAPES[run.profile].currency,
        },
    )  # fmt: skip
    if made:
        audit(plan, "plan.created", actor=run.confirmed_by, at=at, import_run=run.pk)
    return plan


def _median_charge(run_id: int, contract: str) -> int:
    """The list price of a contract nobody published: what its middle subscriber pays a month."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY monthly_charges) FROM {staging.rows_table(run_id)} "
            "WHERE contract = %s",
            [contract],
        )
        return cursor.fetchone()[0] or 0


def settle(*, run_id: int, at: datetime) -> None:
    """Let the engine place and judge the members, compare what the file claimed, and finish. Again gives the same."""
    run = ImportRun.objects.get(pk=run_id)
    swept = sweep(at=at, actor=None)
    with transaction.atomic():
        if run.profile in ("members", "telco") and staging.is_staged(run_id, run.rows_read, run.rows_rejected):
            run.comparison = comparison.compare(plan_of(run), first_member_id=run.first_member_id or 0)
        staging.drop(run_id)
        ImportRun.objects.advance(
            run_id, Status.SETTLING, Status.DONE, finished_at=at, attempts=0, step="", comparison=run.comparison,
            details={**run.details, **({"brake": swept.brake.pk} if swept.brake else {})},
        )  # fmt: skip


class Teller:
    """Tells the progress of a long transaction over a connection of its own, since its own writes are not seen yet."""

    def __init__(self, run_id: int) -> None:
        self.run_id = run_id
        self.line = connection.copy()

    def __call__(self, step: str, done: int, total: int) -> None:
        with self.line.cursor() as cursor:
            cursor.execute(
                "UPDATE members_importrun SET step = %s, progress_done = %s, progress_total = %s WHERE id = %s",
                [step, done, total, self.run_id],
            )


@contextmanager
def _told(run_id: int) -> Iterator[Teller]:
    teller = Teller(run_id)
    try:
        yield teller
    finally:
        teller.line.close()
