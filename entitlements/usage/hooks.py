"""What usage brings along."""

from django.utils.translation import gettext_lazy as _

from entitlements.usage import conditions, scope
from entitlements.usage.console.pages import MemberBenefits
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.recording import count_uses
from members.people.belongings import BELONGINGS, Belonging
from members.people.console.cards import CARDS, Card


def register() -> None:
    """Called once, when the app is ready."""
    # How often a benefit was used is what unlocks others.
    BELONGINGS.register(Belonging(UsageRecord, _("Uses of benefits"), moved=count_uses))
    conditions.register_all()
    CARDS.register(Card("benefits", "benefits/includes/card.html", MemberBenefits))
    scope.register()
