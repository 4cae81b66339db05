"""A member with benefits to lose, for the tests of what is kept and comes back."""

from config.staff.access import Role
from entitlements.grants.models import Grant, Standing
from entitlements.memory.models import EntitlementSnapshot
from entitlements.memory.operations.rules import REVIEW
from entitlements.tiers.models import TierStanding
from entitlements.usage.operations.consuming import consume
from members.terms.operations import terms
from tests import factories
from tests.entitlements.world import Ladder, settle
from tests.members.world import World, moment

Outcome = EntitlementSnapshot.Outcome


def rule(admin, **values):
    """A new version of the rule of return, put in force by two people."""
    draft = REVIEW.propose(actor=admin, at=moment(0), **values)
    REVIEW.look_ahead(draft.pk, at=moment(0))
    REVIEW.submit(draft.pk, actor=admin, at=moment(0))
    return REVIEW.approve(draft.pk, actor=factories.UserFactory(role=Role.APPROVER), at=moment(0))


class Scene:
    """Black gives more than gold; a voucher is given once a term, the album is unlocked by two downloads."""

    def __init__(self) -> None:
        self.world, self.ladder = World(), Ladder()
        gold, black = self.world.gold, self.world.black
        self.downloads = self.ladder.benefit("downloads")
        self.voucher = self.ladder.benefit("voucher", period="term")
        self.cinema = self.ladder.benefit("cinema", kind="access")
        self.album = self.ladder.benefit("album", kind="access", unlocked_by=self.downloads, unlocked_after=2)
        for tier, amount in ((gold, 10), (black, 30)):
            self.ladder.cell(tier, self.downloads, amount)
            self.ladder.cell(tier, self.voucher, 4)
        self.ladder.cell(black, self.cinema)
        self.ladder.cell(black, self.album)
        self.member = self.world.member()

    def buy(self, day, plan=None, **values):
        term = terms.purchase(
            member_id=self.member.pk, plan=plan or self.world.month, at=moment(day), actor=None, **values
        )
        settle(self.member, moment(day))
        return term

    def lapse(self, plan=None):
        """A month of black from day 0, with two downloads and a voucher used; over since day 34."""
        term = self.buy(0, plan or self.world.black_month)
        self.use(self.downloads, 1, 1)
        self.use(self.downloads, 1, 1)
        self.use(self.voucher, 1, 1)
        for day in (31, 32, 40):
            settle(self.member, moment(day, 13))
        return term

    def earn(self, tier, day=-30, until=None):
        values = {"tier": tier, "via": "qualified", "since": moment(day), "until": until}
        TierStanding.objects.update_or_create(member=self.member, defaults=values)

    def stands(self):
        row = Standing.objects.get(pk=self.member.pk)
        return row.via, row.tier, row.since

    def use(self, benefit, amount, day):
        record = consume(member_id=self.member.pk, benefit=benefit, amount=amount, at=moment(day), origin="api")
        assert record.outcome == "used"

    @property
    def snapshot(self):
        return EntitlementSnapshot.objects.get(member=self.member)

    def restored(self):
        rows = Grant.objects.filter(member=self.member, source="restore", voided_at__isnull=True)
        return {(row.benefit.code, row.amount, row.recurs, row.expires_at) for row in rows}
