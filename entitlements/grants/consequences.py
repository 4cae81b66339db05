"""The benefits that a verb of terms begins, ends and brings back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from config.engine.naming import name_of
from entitlements.grants.models import Balance, Grant
from entitlements.grants.operations.settling import settle_members
from members.terms.consequences import CONSEQUENCES, Consequence, Effect


@dataclass(frozen=True)
class MemberBenefits:
    """What a member has: the names of open benefits, and of grants that came back from memory, by their numbers."""

    open: dict[int, str]
    restored: dict[int, str]


def register() -> None:
    """Called once, when the app is ready."""
    CONSEQUENCES.register(Consequence("benefits", read, tell, follow))


def follow(member_id: int, at: datetime) -> None:
    """What the tick does within seconds: benefits in line with terms, and what is remembered restored by the rule."""
    settle_members(member_ids=[member_id], at=at)


def read(member_id: int, at: datetime) -> MemberBenefits:
    balances = Balance.objects.filter(member_id=member_id, is_open=True).select_related("benefit")
    grants = Grant.objects.filter(member_id=member_id, source=Grant.Source.RESTORE).not_over(at)
    return MemberBenefits(
        open={row.benefit_id: name_of(row.benefit) for row in balances.order_by("benefit__name", "benefit_id")},
        restored={row.pk: _restored(row) for row in grants.select_related("benefit").order_by("pk")},
    )


def tell(before: MemberBenefits, after: MemberBenefits) -> Iterator[Effect]:
    if back := _names(after.restored, before.restored):
        yield Effect(_("Come back from memory"), True, back)
    if began := _names(after.open, before.open):
        yield Effect(_("Benefits that begin"), True, began)
    if ended := _names(before.open, after.open):
        yield Effect(_("Benefits that end"), False, ended)
    if withdrawn := _names(before.restored, after.restored):
        yield Effect(_("Had come back from memory, and go again"), False, withdrawn)


def _restored(grant: Grant) -> str:
    """A restored grant: the benefit and, where it is counted or graded, how much."""
    more = grant.level or (f"× {grant.amount}" if grant.amount is not None else "")
    return f"{name_of(grant.benefit)} {more}".strip()


def _names(those: dict[int, str], without: dict[int, str]) -> tuple[str, ...]:
    return tuple(name for key, name in those.items() if key not in without)
