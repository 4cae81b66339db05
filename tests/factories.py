"""The smallest valid rows. Whatever an operation of the product makes is made through that operation."""

from datetime import datetime
from itertools import count
from typing import Any

import factory

from config.staff.access import Role
from config.staff.models import User
from members.events.models import Source
from members.events.operations.recording import record_events
from members.people.models import Member
from members.people.operations import people
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from members.terms.operations import terms

_serial = count(1)


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"staff{n}")
    role = Role.VIEWER
    is_staff = factory.LazyAttribute(lambda user: user.role == Role.ADMIN)


class TierFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tier
        django_get_or_create = ("code",)

    code = factory.Sequence(lambda n: f"tier{n}")
    name = factory.LazyAttribute(lambda tier: tier.code.title())
    name_zh = "黄金会员"
    position = factory.Sequence(lambda n: 100 + n)


class PlanFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Plan
        django_get_or_create = ("code",)

    code = factory.Sequence(lambda n: f"plan{n}")
    name = factory.LazyAttribute(lambda plan: plan.code.title())
    name_zh = "月度会员"
    tier = factory.SubFactory(TierFactory)
    duration_unit = Plan.Unit.MONTH
    duration_count = 1
    price_cents = 1900
    trial_days = 7


class SourceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Source
        django_get_or_create = ("code",)

    code = "app"
    name = "App"


def make_member(*, at: datetime, **values: Any) -> Member:
    """A member without terms, with one external id and an address."""
    n = next(_serial)
    values.setdefault("display_name", f"Member {n}")
    values.setdefault("identities", {"external_id": f"ext-{n}", "email": f"m{n}@example.com", "phone": f"170{n:08}"})
    return people.create_member(actor=None, at=at, **values)


def make_term(*, member: Member, at: datetime, plan: Plan | None = None, **values: Any) -> MembershipTerm:
    """A paid term starting at ``at``."""
    return terms.purchase(member_id=member.pk, plan=plan or PlanFactory(), at=at, actor=None, **values)


def make_event(
    *, member: Member, at: datetime, name: str = "opened", source: Source | None = None, **values: Any
) -> None:
    row = {"member_id": member.pk, "name": name, "occurred_at": at, "message_id": f"m{next(_serial)}", **values}
    record_events(rows=[row], source=source or SourceFactory(), at=at)
