"""The gate: may this member use this benefit now, how much is left of it, and what to tell her."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from entitlements.benefits.models import Benefit
from entitlements.grants.operations.settling import settle_members
from entitlements.usage.querysets.gating import State, rungs_of, state_of
from entitlements.usage.rules import Held, Rung, Verdict, judge

_NOTHING = Held()


def language_of(said: Any, own: str) -> str:
    """The language of the hints: the one asked for, else the member's own, else the project's."""
    return (said if isinstance(said, str) else "") or own or settings.LANGUAGE_CODE


def verdict(*, member_id: int, benefit: Benefit, at: datetime, language: str, amount: int = 1) -> Verdict:
    """Whether ``amount`` of one benefit may be used now. What is out of date about the member is settled first."""
    return verdicts(member_id=member_id, benefits=[benefit], at=at, language=language, amount=amount)[0]


def verdicts(
    *, member_id: int, benefits: Sequence[Benefit], at: datetime, language: str, amount: int = 1
) -> list[Verdict]:
    """The verdicts about some benefits, in their order. Safe to run concurrently."""
    ids = [benefit.pk for benefit in benefits]
    state = state_of(member_id, ids, at)
    if state is None:
        settle_members(member_ids=[member_id], at=at)
        state = state_of(member_id, ids, at) or State(None, {})

    def judged(benefit: Benefit, rungs: Sequence[Rung] = ()) -> Verdict:
        held = state.held.get(benefit.pk, _NOTHING)
        return judge(benefit, held, rungs, position=state.position, at=at, language=language, amount=amount)

    answers = [judged(benefit) for benefit in benefits]
    # Only who is denied something asks the ladder for the way to it.
    denied = [benefit.pk for benefit, answer in zip(benefits, answers, strict=True) if not answer.access]
    rungs = rungs_of(denied) if denied else {}
    return [judged(b, rungs[b.pk]) if b.pk in rungs else answers[n] for n, b in enumerate(benefits)]


def verdicts_for_stranger(*, benefits: Sequence[Benefit], at: datetime, language: str) -> list[Verdict]:
    """What the free tier gives somebody who is no member yet, nothing of it used."""
    rungs = rungs_of([benefit.pk for benefit in benefits])
    return [judge(b, _free(b, rungs[b.pk]), rungs[b.pk], position=None, at=at, language=language) for b in benefits]


def _free(benefit: Benefit, rungs: Sequence[Rung]) -> Held:
    rung = next((rung for rung in rungs if rung.position is None), None)
    if rung is None or benefit.unlocked_by_id is not None:
        return _NOTHING
    return Held(True, rung.amount, 0, 0, rung.level, rung.early_hours, rung.amount)
