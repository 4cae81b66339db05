"""What of entitlements goes along when a member is merged into another."""

from django.utils.translation import gettext_lazy as _

from entitlements.grants.models import Balance, Grant, Lot, Standing
from entitlements.memory.models import EntitlementSnapshot, RenewalLock
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.recording import count_uses
from members.merging.belongings import BELONGINGS, Belonging, register_staying


def register_all() -> None:
    """Called once, when the app is ready. The balance is made anew from the grants and lots that moved."""
    BELONGINGS.register(
        Belonging(Grant, _("Grants"), equal_by=["benefit_id", "source", "source_id"], among="voided_at IS NULL")
    )
    BELONGINGS.register(
        Belonging(Lot, _("Used amounts"), equal_by=["benefit_id", "bucket", "opens_at"], prefer="used DESC")
    )
    # How often a benefit was used is what unlocks others.
    BELONGINGS.register(Belonging(UsageRecord, _("Uses of benefits"), moved=count_uses))
    BELONGINGS.register(Belonging(EntitlementSnapshot, _("Entitlement memories")))
    BELONGINGS.register(Belonging(RenewalLock, _("Renewal locks")))
    register_staying(Balance, "member", "made again from the grants and lots, which move")
    register_staying(Standing, "member", "found again from the terms, which move and say so in their log")
