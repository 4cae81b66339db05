"""The same act on several members. Each is its own transaction with its own audit row, as if done one by one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from config.engine.refusal import Refused
from config.staff.models import User
from members.lifecycle.models import MemberLifecycle
from members.terms.models import MembershipTerm
from members.terms.operations.terms import compensate, switch_auto_renewal


@dataclass
class BulkSplit:
    """Who would be acted on, and who may not be, by reason code."""

    will: list[int] = field(default_factory=list)
    wont: dict[str, list[int]] = field(default_factory=dict)

    @property
    def refused(self) -> int:
        return sum(len(ids) for ids in self.wont.values())


@dataclass
class BulkResult:
    done: int = 0
    refused: int = 0


def split_auto_renewal(*, member_ids: Iterable[int], on: bool) -> BulkSplit:
    """Those whose auto-renewal would change, and those with whom it already is so."""
    rows = MemberLifecycle.objects.filter(pk__in=member_ids).values_list("pk", "auto_renewal_flag")
    split = BulkSplit()
    for pk, flag in rows:
        if flag == on:
            split.wont.setdefault("already_on" if on else "already_off", []).append(pk)
        else:
            split.will.append(pk)
    return split


def split_compensation(*, member_ids: Iterable[int]) -> BulkSplit:
    """Those who have or had a term to extend, and those who never had one."""
    wanted = set(MemberLifecycle.objects.filter(pk__in=member_ids).values_list("pk", flat=True))
    having = set(MembershipTerm.objects.filter(member_id__in=wanted).not_voided().values_list("member_id", flat=True))
    never = sorted(wanted - having)
    return BulkSplit(sorted(having), {"nothing_to_extend": never} if never else {})


def switch_many(*, member_ids: Iterable[int], on: bool, actor: User, at: datetime) -> BulkResult:
    """Set auto-renewal of each; those already so count as refused. Again after a crash it does the rest."""
    result = BulkResult()
    for member_id in member_ids:
        if switch_auto_renewal(member_id=member_id, on=on, at=at, actor=actor):
            result.done += 1
        else:
            result.refused += 1
    return result


def compensate_many(*, member_ids: Iterable[int], days: int, reason: str, actor: User, at: datetime) -> BulkResult:
    """Add ``days`` for each. Not repeatable: a second call adds the days again."""
    result = BulkResult()
    for member_id in member_ids:
        try:
            compensate(member_id=member_id, days=days, reason=reason, at=at, actor=actor)
        except Refused:
            result.refused += 1
        else:
            result.done += 1
    return result
