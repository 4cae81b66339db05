"""The benefits of one member as her page and her own page of benefits show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, Sum
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from config.engine.naming import name_of
from entitlements.benefits.models import Benefit, Pack
from entitlements.benefits.rules import Offered, best_pack
from entitlements.grants.models import Balance, Grant, Lot, Standing
from entitlements.usage.models import UsageRecord
from members.terms.models import MembershipTerm

LATELY = timedelta(days=90)
MOST_USED = 3
PAGE = 50


@dataclass(frozen=True)
class Shown:
    """One balance with what it is made of."""

    balance: Balance
    grants: list["Explained"]
    # What was left of the period before and came along.
    carried: Lot | None = None

    @property
    def benefit(self) -> Benefit:
        return self.balance.benefit

    @property
    def share(self) -> float | None:
        granted = self.balance.granted
        return self.balance.used / granted if granted else None

    @property
    def is_used_up(self) -> bool:
        return bool(self.balance.granted) and self.balance.remaining == 0


@dataclass(frozen=True)
class Explained:
    """A grant and, in words, where it comes from."""

    grant: Grant
    why: str
    is_open: bool
    by_hand: bool


@dataclass(frozen=True)
class Suggested:
    """A light pack for what she uses most."""

    pack: Pack
    covered: list[Benefit]
    missing: list[Benefit]


class MemberBenefits:
    """Reads each part once, when the page asks for it."""

    def __init__(self, member_id: int, at: datetime) -> None:
        self.member_id, self.at = member_id, at

    @cached_property
    def standing(self) -> Standing | None:
        rows = Standing.objects.select_related("tier", "plan", "member__lifecycle")
        return rows.filter(pk=self.member_id).first()

    @cached_property
    def balances(self) -> list[Shown]:
        """What she has now, the core benefits first."""
        rows = Balance.objects.open().filter(member_id=self.member_id).select_related("benefit")
        of: dict[int, list[Explained]] = {}
        for explained in self._explained(Grant.objects.open(self.at).filter(member_id=self.member_id)):
            of.setdefault(explained.grant.benefit_id, []).append(explained)
        lots = Lot.objects.filter(
            member_id=self.member_id, bucket=Lot.CARRIED, opens_at__lte=self.at, closes_at__gt=self.at
        ).select_related("member__lifecycle")
        carried = {lot.benefit_id: lot for lot in lots}
        found = [Shown(balance, of.get(balance.benefit_id, []), carried.get(balance.benefit_id)) for balance in rows]
        return sorted(
            found, key=lambda shown: (not shown.benefit.is_core, shown.balance.granted is None, shown.benefit.pk)
        )

    @property
    def limited(self) -> list[Shown]:
        """What she can use up."""
        return [shown for shown in self.balances if shown.balance.granted is not None]

    @property
    def unlimited(self) -> list[Shown]:
        return [shown for shown in self.balances if shown.balance.granted is None]

    @cached_property
    def saved_cents(self) -> int:
        """What her uses were worth; what was taken back was not used."""
        found: int | None = self._uses().aggregate(sum=Sum("worth_cents"))["sum"]
        return found or 0

    @cached_property
    def suggested(self) -> Suggested | None:
        """The light pack that holds what she used most in the last 90 days."""
        lately = self._uses().filter(at__gte=self.at - LATELY).order_by()
        uses = dict(lately.values_list("benefit").annotate(n=Count("pk")).order_by("-n", "benefit")[:MOST_USED])
        packs = {
            pack.pk: pack for pack in Pack.objects.filter(is_sold=True, is_light=True).prefetch_related("benefits")
        }
        best = best_pack(
            [Offered(p.pk, p.price_cents, [b.benefit_id for b in p.benefits.all()]) for p in packs.values()], uses
        )
        if best is None:
            return None
        used = Benefit.objects.in_bulk(list(uses))
        return Suggested(
            packs[best.pk], [used[pk] for pk in uses if pk in best.benefits],
            [used[pk] for pk in uses if pk not in best.benefits],
        )  # fmt: skip

    def grants(self, before: int | None) -> tuple[list[Explained], int | None]:
        """A page of her grants, the newest first, and where the next begins."""
        rows = Grant.objects.filter(member_id=self.member_id).order_by("-pk")
        page = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
        shown = self._explained(Grant.objects.filter(pk__in=[grant.pk for grant in page[:PAGE]]).order_by("-pk"))
        return shown, page[PAGE - 1].pk if len(page) > PAGE else None

    def usage(self, before: int | None) -> tuple[list[UsageRecord], int | None]:
        """A page of her usage records, the last recorded first, and where the next begins."""
        rows = UsageRecord.objects.filter(member_id=self.member_id).select_related("benefit", "actor", "reversal")
        page = list((rows.filter(pk__lt=before) if before else rows).order_by("-pk")[: PAGE + 1])
        return page[:PAGE], page[PAGE - 1].pk if len(page) > PAGE else None

    def _uses(self) -> Any:
        return UsageRecord.objects.filter(
            member_id=self.member_id, outcome=UsageRecord.Outcome.USED, reversal__isnull=True
        ).order_by()

    @cached_property
    def _terms(self) -> dict[int, MembershipTerm]:
        return {term.pk: term for term in MembershipTerm.objects.filter(member_id=self.member_id)}

    @cached_property
    def _packs(self) -> dict[int, Pack]:
        given = Grant.objects.filter(member_id=self.member_id, source=Grant.Source.PACK).order_by()
        return {pack.pk: pack for pack in Pack.objects.filter(pk__in=given.values("source_id"))}

    def _explained(self, rows: Any) -> list[Explained]:
        grants = list(rows.select_related("benefit", "created_by", "member__lifecycle"))
        given = {grant.pk for grant in grants if grant.source not in ("term", "grace", "tier", "free")}
        return [
            Explained(
                grant, _why(grant, self._terms.get(grant.source_id or 0), self._packs.get(grant.source_id or 0)),
                is_open_at(grant, self.at), grant.pk in given,
            )
            for grant in grants
        ]  # fmt: skip


def is_open_at(grant: Grant, at: datetime) -> bool:
    """Whether the grant is in force."""
    ends = [end for end in (grant.expires_at, grant.voided_at) if end is not None]
    return grant.effective_at <= at and all(end > at for end in ends)


def _month_of(term: MembershipTerm | None) -> str:
    """The month a term begins in where the viewer is; a dash for a term that is gone."""
    return f"{localtime(term.starts_at):%Y-%m}" if term else "—"


def _why(grant: Grant, term: MembershipTerm | None, pack: Pack | None) -> str:
    by = grant.created_by.get_username() if grant.created_by else _("system")
    match grant.source:
        case Grant.Source.TERM:
            return _("granted by the term of %(month)s") % {"month": _month_of(term)}
        case Grant.Source.GRACE:
            return _("held in the grace after the term of %(month)s") % {"month": _month_of(term)}
        case Grant.Source.TIER:
            return _("comes with the tier she earned or was given")
        case Grant.Source.FREE:
            return _("everybody has it")
        case Grant.Source.PACK:
            return _("pack “%(pack)s”, given by %(by)s") % {"pack": name_of(pack), "by": by}
    words = {"source": grant.get_source_display(), "by": by, "reason": grant.reason}
    return _("%(source)s, by %(by)s: %(reason)s") % words if grant.reason else _("%(source)s, by %(by)s") % words
