"""A world of ``n`` of everything: what the standing suites call every address with and count queries over."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from config.staff.access import Role
from config.staff.models import User
from members.models import Member, MembershipTerm, Plan
from tests import factories

OUR_APPS = ("staff", "console", "members", "entitlements", "tasks_engine", "campaigns")

# Rows that come by themselves or of which there can be only a fixed number.
FIXED = {
    "campaigns.DeliveryPolicy": "one row for the installation",
    "campaigns.Channel": "one row a channel",
}


class World:
    """``n`` members, the first of whom has ``n`` of everything a member can have."""

    def __init__(self, n: int, at: datetime) -> None:
        self.n, self.at = n, at
        self.admin: User = factories.UserFactory(role=Role.ADMIN)
        self.plan: Plan = factories.PlanFactory()
        self.members: list[Member] = [self._member(i) for i in range(n)]
        self.member = self.members[0]
        self.rows: dict[str, list[Model]] = {}
        for _ in range(n):
            factories.UserFactory(role=Role.OPERATOR)
            factories.TierFactory()
            factories.PlanFactory()
        for maker in MAKERS:
            maker(self)

    def _member(self, i: int) -> Member:
        member = factories.make_member(at=self.at - timedelta(days=40))
        factories.make_term(member=member, plan=self.plan, at=self.at - timedelta(days=20))
        factories.make_event(member=member, at=self.at - timedelta(days=1, hours=i))
        return member

    def argument(self, route: Any, name: str) -> Any:
        """A value for ``name`` in ``route`` that leads to an existing thing."""
        model_admin = getattr(route.callback, "model_admin", None)
        if model_admin is not None and name == "object_id":
            return newest(model_admin.model._meta.label)(self)
        source = ARGUMENTS.get((route.full_name, name)) or ARGUMENTS.get(name)
        if source is None:
            raise LookupError(f"{route}: tell tests/suites/world.py which value “{name}” takes")
        return source(self)


def more_of_the_first_member(world: World) -> None:
    for i in range(1, world.n):
        factories.make_term(member=world.member, plan=world.plan, at=world.at - timedelta(days=10, minutes=i))
        factories.make_event(member=world.member, at=world.at - timedelta(days=2, minutes=i))


MAKERS: list[Callable[[World], None]] = [more_of_the_first_member]


def newest(label: str) -> Callable[[World], Any]:
    """The primary key of the newest row of a model, found by its label."""
    return lambda world: apps.get_model(label)._default_manager.order_by("pk").values_list("pk", flat=True).last()


ARGUMENTS: dict[Any, Callable[[World], Any]] = {
    "content_type_id": lambda world: ContentType.objects.get_for_model(Member).pk,
    "app_label": lambda world: "django_celery_beat",
    ("admin:view_on_site", "object_id"): lambda world: world.member.pk,
    "member_id": lambda world: world.member.pk,
    "term_id": lambda world: MembershipTerm.objects.filter(member=world.member).latest("ends_at").pk,
    "brake_id": newest("members.SweepBrake"),
    "policy_id": newest("members.LifecyclePolicy"),
}
