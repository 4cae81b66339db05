from datetime import datetime

from members.lifecycle.models import MemberLifecycle
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm


def look_again_at_grace(*, plan: Plan | None, tier: Tier | None, at: datetime) -> None:
    """After the grace has become longer or shorter: whose term ended so lately is judged and settled again."""
    terms = MembershipTerm.objects.all()
    if plan:
        terms = terms.filter(plan=plan)
    if tier:
        terms = terms.filter(tier=tier)
    lapsed = terms.lately_over(at)
    MemberLifecycle.objects.filter(member_id__in=lapsed.values("member_id")).mark_due(at)
    lapsed.say_changed()
