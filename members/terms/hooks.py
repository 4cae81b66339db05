"""What terms bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.cards import HOME, HomeCard
from config.console.work import WORK, WorkSource
from members.people.belongings import BELONGINGS, Belonging
from members.plans.grace import LISTENERS
from members.terms.console import home, work
from members.terms.models import MembershipTerm, MemberSignal
from members.terms.operations.grace import look_again_at_grace


def register() -> None:
    """Called once, when the app is ready."""
    BELONGINGS.register(Belonging(MembershipTerm, _("Terms")))
    BELONGINGS.register(Belonging(MemberSignal, _("Signals")))
    LISTENERS.register(look_again_at_grace, code="terms")
    WORK.register(WorkSource("expiring_soon", 90, work.expiring_soon))
    HOME.register(HomeCard("expiry", 20, "members/includes/home_expiry.html", home.expiry))
