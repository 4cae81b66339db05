"""Whom a change of the ladder touches, as the members list names them."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.ids import read_id
from config.engine.naming import name_of
from entitlements.benefits.models import FREE
from entitlements.grants.models import Standing
from members.people.querysets.people import MemberQuerySet
from members.plans.models import Plan, Tier
from members.segments.console.links import with_value
from members.segments.dimensions import NARROWINGS, Narrowing

CODE = "ladder"
IN_GRACE = "grace"


def standing_on(tier: Tier | None, plan: Plan | None, *, with_grace: bool) -> str:
    """The list of those whose benefits come from the plan, else from the tier (None: free)."""
    on = f"plan-{plan.pk}" if plan else f"tier-{tier.pk if tier else FREE}"
    return with_value(CODE, f"{on}-{IN_GRACE}" if with_grace else on)


def _standing(members: MemberQuerySet, value: str, at: datetime) -> MemberQuerySet:
    kind, key, grace = (*value.split("-"), "", "", "")[:3]
    pk = None if (kind, key) == ("tier", FREE) else read_id(key)
    if kind not in ("tier", "plan") or (pk is None and (kind, key) != ("tier", FREE)):
        return members.none()
    found = Standing.objects.filter(**{f"{kind}_id": pk})
    if grace != IN_GRACE:
        found = found.filter(~Q(via=Standing.Via.GRACE))
    return members.filter(pk__in=found.order_by().values("member_id"))


def _word(value: str) -> str:
    kind, key, grace = (*value.split("-"), "", "", "")[:3]
    model: type[Plan] | type[Tier] = Plan if kind == "plan" else Tier
    name = _("Free") if key == FREE else name_of(model.objects.filter(pk=read_id(key) or 0).first()) or key
    return name if grace == IN_GRACE else _("%(name)s, without those in the grace") % {"name": name}


def register_all() -> None:
    """Called once, when the app is ready."""
    NARROWINGS.register(Narrowing(CODE, gettext_lazy("Benefits come from"), _standing, _word))
