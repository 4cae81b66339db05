"""Honours: defined, counted for a year, looked at by a person, given, and taken back."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from config.audit.record import audit
from config.engine.moves import make_move
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.grants.models import Grant
from entitlements.grants.operations.giving import give_to_many, void_all
from entitlements.honours.lifecycle import DISCARD, GIVE, VOID
from entitlements.honours.models import Honour, HonourAward, HonourRun
from entitlements.honours.rules import year_is_over
from entitlements.tiers.measures import MEASURES

FIELDS = ("code", "name", "name_zh", "style", "measure", "top", "worn_days", "benefit", "is_archived")


@transaction.atomic
def save_honour(*, honour_id: int | None, actor: User | None, at: datetime, **values: Any) -> Honour:
    """Save an honour, new or changed; returns it. Runs that were begun stay as they are.

    Raises Refused: ``code_taken``, ``measure`` for one that nobody registered.
    """
    if unknown := set(values) - set(FIELDS):
        raise TypeError(f"not a field of an honour: {', '.join(sorted(unknown))}")
    honour = Honour.objects.select_for_update().get(pk=honour_id) if honour_id else Honour(created_at=at)
    if Honour.objects.filter(code=values.get("code", honour.code)).exclude(pk=honour.pk).exists():
        raise Refused("code_taken")
    for name, value in values.items():
        setattr(honour, name, value)
    if MEASURES.get(honour.measure) is None:
        raise Refused("measure")
    honour.save()
    audit(
        honour, "honour.saved", actor=actor, at=at, code=honour.code, created=not honour_id, archived=honour.is_archived
    )
    return honour


@transaction.atomic
def begin_run(*, honour_id: int, year: int, actor: User | None, at: datetime) -> HonourRun:
    """Begin to count an honour for a year; returns the run. The caller wakes ``count_run``.

    Raises Refused: ``archived``, ``year_running`` until the year is over everywhere, ``live_run`` while the
    year has a list or was given.
    """
    honour = Honour.objects.get(pk=honour_id)
    if honour.is_archived:
        raise Refused("archived")
    if not year_is_over(year, at):
        raise Refused("year_running")
    try:
        with transaction.atomic():
            run = HonourRun.objects.create(
                honour=honour, year=year, measure=honour.measure, top=honour.top, begun_at=at, begun_by=actor
            )
    except IntegrityError:
        raise Refused("live_run") from None
    audit(run, "honour.run_begun", actor=actor, at=at, honour=run.honour.code, year=run.year)
    return run


@transaction.atomic
def count_run(*, run_id: int, at: datetime) -> HonourRun | None:
    """Rank everybody for a draft that is not counted; None when there is none. Twice at once, one of them does it.

    Of equal values the one who has been a member longer stands first, then the lower number.
    """
    run = HonourRun.objects.to_count().select_for_update(skip_locked=True, of=("self",)).filter(pk=run_id).first()
    measure = MEASURES.get(run.measure) if run else None
    if run is None or measure is None:
        return None
    run.awards.all().delete()
    run.members, run.next_value = HonourRun.objects.rank(
        run_id=run.pk, top=run.top, year=run.year, measure=measure.statement, zone=settings.PROJECT_TIME_ZONE,
        parameters={"at": at, **measure.parameters(at)},
    )  # fmt: skip
    run.placed, run.counted_at = min(run.members, run.top), at
    run.save(update_fields=["members", "next_value", "placed", "counted_at"])
    return run


def count_waiting(*, at: datetime) -> int:
    """Count the drafts whose worker died or was never woken; returns how many."""
    waiting = list(HonourRun.objects.to_count().order_by("pk").values_list("pk", flat=True))
    return sum(count_run(run_id=run_id, at=at) is not None for run_id in waiting)


@transaction.atomic
def recount_run(*, run_id: int, actor: User | None, at: datetime) -> HonourRun:
    """Have the list of a draft counted anew, from the facts as they are now. The caller wakes ``count_run``."""
    run = _draft(run_id)
    run.counted_at = None
    run.save(update_fields=["counted_at"])
    audit(run, "honour.run_recounted", actor=actor, at=at, honour=run.honour.code, year=run.year)
    return run


@transaction.atomic
def confirm_run(*, run_id: int, counted_at: datetime | None, actor: User | None, at: datetime) -> HonourRun:
    """Give the honour to everybody on the list that was counted at ``counted_at``, with the benefit it names.

    Safe to run concurrently: one of two gives it, the other raises. Raises Refused: ``decided``, ``changed``
    when the list is another one by now, or members on it were merged, ``nobody``, ``archived``.
    """
    run = _draft(run_id)
    members = list(run.awards.order_by("rank").values_list("member_id", flat=True))
    if run.counted_at is None or run.counted_at != counted_at or len(members) != run.placed:
        raise Refused("changed")
    if not members:
        raise Refused("nobody")
    honour = run.honour
    make_move(run, GIVE)
    run.decided_at, run.decided_by = at, actor
    run.worn_until = at + timedelta(days=honour.worn_days) if honour.worn_days else None
    run.save(update_fields=["status", "decided_at", "decided_by", "worn_until"])
    if honour.benefit:
        give_to_many(
            member_ids=members, benefit=honour.benefit, source=Grant.Source.HONOUR, source_id=run.pk, actor=actor,
            at=at, expires_at=run.worn_until, reason=f"{honour.name} {run.year}",
        )  # fmt: skip
    audit(run, "honour.run_given", actor=actor, at=at, honour=honour.code, year=run.year, members=len(members))
    return run


@transaction.atomic
def discard_run(*, run_id: int, actor: User | None, at: datetime) -> HonourRun:
    """Throw a draft away; the year can be counted again. Raises Refused(``decided``)."""
    run = _draft(run_id)
    make_move(run, DISCARD)
    run.decided_at, run.decided_by = at, actor
    run.save(update_fields=["status", "decided_at", "decided_by"])
    audit(run, "honour.run_discarded", actor=actor, at=at, honour=run.honour.code, year=run.year)
    return run


@transaction.atomic
def void_run(*, run_id: int, actor: User | None, at: datetime, reason: str) -> HonourRun:
    """Take an honour back from everybody who got it by a run, and the grants that came with it, from now on.

    The year can be counted again. Raises Refused(``not_given``).
    """
    run = _locked(run_id)
    if not run.is_given:
        raise Refused("not_given")
    make_move(run, VOID)
    run.voided_at = at
    run.save(update_fields=["status", "voided_at"])
    ended = void_all(source=Grant.Source.HONOUR, source_id=run.pk, at=at)
    members = HonourAward.objects.filter(run=run).count()
    audit(
        run,
        "honour.run_voided",
        actor=actor,
        at=at,
        reason=reason,
        honour=run.honour.code,
        year=run.year,
        members=members,
        grants=ended,
    )
    return run


def _locked(run_id: int) -> HonourRun:
    return HonourRun.objects.select_for_update(of=("self",)).select_related("honour__benefit").get(pk=run_id)


def _draft(run_id: int) -> HonourRun:
    run = _locked(run_id)
    if not run.is_draft:
        raise Refused("decided")
    return run
