"""What needs a person comes from registries: every brake and every version that waits is there by itself."""

from datetime import datetime

import pytest
from django.apps import apps
from django.db import models
from django.urls import reverse

from config.console.work import WORK, work_for
from config.engine import brakes, clock
from config.engine.brakes import GUARDED, Brake
from config.engine.reviewed.lifecycle import Status
from config.engine.reviewed.models import ReviewedVersion
from config.staff.access import Permission, Role
from config.staff.models import User
from members.lifecycle.models import MemberLifecycle
from tests import factories

pytestmark = pytest.mark.django_db

HOME = "console:home"


def kinds_of(base: type[models.Model]) -> list[type[models.Model]]:
    """Every table of the kind, of whichever app."""
    return [model for model in apps.get_models() if issubclass(model, base) and not model._meta.proxy]


def test_the_kinds_are_found():
    assert {model.__name__ for model in kinds_of(Brake)} >= {"SweepBrake", "TierBrake"}
    assert {model.__name__ for model in kinds_of(ReviewedVersion)} >= {"LifecyclePolicy", "QualificationPolicy"}


def filled(model: type[models.Model], at: datetime, **values: object) -> models.Model:
    """A row of the kind with every column that must have a value."""
    for field in model._meta.concrete_fields:
        if field.primary_key or field.name in values or field.null or field.has_default() or field.blank:
            continue
        if isinstance(field, models.DateTimeField):
            values[field.name] = at
        elif isinstance(field, models.IntegerField):
            values[field.name] = 7
        elif isinstance(field, models.JSONField):
            values[field.name] = []
        else:
            raise AssertionError(f"{field} needs a value")
    return model._default_manager.create(**values)


def hold(brake: models.Model, members: int, at: datetime) -> None:
    """Park so many members under the brake."""
    held = brake._meta.get_field("held").related_model
    for _ in range(members):
        member = factories.make_member(at=at)
        if held is not MemberLifecycle:
            held._default_manager.create(member=member)
        held._default_manager.filter(member=member).update(brake=brake)


@pytest.mark.parametrize("model", kinds_of(Brake), ids=lambda model: model.__name__)
def test_every_open_brake_is_there_by_itself(model, approver_client, viewer_client):
    at = clock.now()
    brake = filled(model, at, status=brakes.Status.OPEN)
    run = GUARDED[model._meta.label_lower]
    if run.held_href:
        hold(brake, 7, at)
    (item,) = approver_client.get(reverse(HOME)).context["work"]
    assert (item.kind, item.count, item.action) == ("bad", 7, "Decide")
    # A figure leads to the list behind it, or nowhere.
    assert bool(item.count_href) == bool(run.held_href)
    for href in filter(None, (item.href, item.count_href)):
        assert str(brake.pk) in href
        assert approver_client.get(href).status_code == 200
    (item,) = viewer_client.get(reverse(HOME)).context["work"]
    assert item.action == "Look"
    brakes.decide(model, brake.pk, is_right=False, actor=factories.UserFactory(), at=at, reason="")
    assert not viewer_client.get(reverse(HOME)).context["work"]


def test_every_brake_is_a_guarded_run():
    assert {run.model for run in GUARDED} == set(kinds_of(Brake))


@pytest.mark.parametrize("model", kinds_of(ReviewedVersion), ids=lambda model: model.__name__)
def test_every_version_that_waits_is_there(model, approver_client, viewer_client):
    at, author = clock.now(), factories.UserFactory()
    words = {"version": 99, "note": "why", "created_by": author, "preview": {"moves": []}}
    filled(model, at, status=Status.SUBMITTED, submitted_at=at, submitted_by=author, **words)
    (item,) = approver_client.get(reverse(HOME)).context["work"]
    assert (item.action, "v99: why" in item.title) == ("Review and approve", True)
    (item,) = viewer_client.get(reverse(HOME)).context["work"]
    assert item.action == "Look"


def test_the_most_urgent_comes_first(monkeypatch):
    orders = [source.order for source in WORK]
    assert len(set(orders)) == len(orders)
    asked = []
    for source in WORK:
        monkeypatch.setitem(source.__dict__, "read", lambda user, at, order=source.order: asked.append(order) or ())
    work_for(User(role=Role.ADMIN), clock.now())
    assert asked == sorted(orders)


def test_what_one_may_not_see_is_not_asked_for(monkeypatch):
    for source in WORK:
        allowed = source.permission == Permission.VIEW
        read = (lambda user, at: ()) if allowed else (lambda user, at: pytest.fail("asked"))
        monkeypatch.setitem(source.__dict__, "read", read)
    assert work_for(User(role=Role.VIEWER), clock.now()) == []
