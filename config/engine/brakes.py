"""The brake on an engine: what would move too many members at once waits for a person's decision."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from config.engine.registry import Registry
from config.staff.keys import staff_key
from config.staff.models import User


class Status(models.TextChoices):
    OPEN = "open", _("Waiting for a decision")
    APPROVED = "approved", _("Approved")
    RELEASED = "released", _("Released for a new check")


class Brake(models.Model):
    """One run that was stopped, with the moves it would have made. The heir says what it holds and until when."""

    status = FSMField(_("status"), choices=Status.choices, default=Status.OPEN, protected=True)
    raised_at = models.DateTimeField(_("raised"))
    base_count = models.PositiveIntegerField(_("members in the base"))
    limit_count = models.PositiveIntegerField(_("limit"))
    matrix = models.JSONField(_("moves it would make"))
    decided_by = staff_key(_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        abstract = True
        ordering = ["-raised_at"]

    @transition(field=status, source=Status.OPEN, target=Status.APPROVED)
    def approve(self) -> None:
        """The moves are right: they may run."""

    @transition(field=status, source=Status.OPEN, target=Status.RELEASED)
    def release(self) -> None:
        """The facts were mended: judge again, under the brake as usual."""


B = TypeVar("B", bound=Brake)


@dataclass(frozen=True)
class GuardedRun(Generic[B]):
    """What people are told of an engine's open brakes. ``page`` names the address where they decide about one.

    ``held_href`` leads to the members held, where a list shows them; else the brake's own page says who they are.
    """

    model: type[B]
    title: str | Promise
    page: str
    held_count: Callable[[B], int]
    limit_text: Callable[[B], str]
    held_href: Callable[[B], str] | None = None

    def open_brakes(self) -> "models.QuerySet[B]":
        """Those that wait for a decision, oldest first."""
        return self.model._default_manager.filter(status=Status.OPEN).order_by("raised_at")


# Every engine with a brake: each open one is a thing to do by itself.
GUARDED: Registry[GuardedRun[Any]] = Registry("guarded runs", code_of=lambda run: run.model._meta.label_lower)


def decide(model: type[B], pk: int, *, is_right: bool, actor: User, at: datetime, reason: str) -> B:
    """Approve an open brake, or release it, in the caller's transaction; returns it.

    Raises the model's DoesNotExist when the brake is not open any more.
    """
    brake = model._default_manager.select_for_update().get(pk=pk, status=Status.OPEN)
    if is_right:
        brake.approve()
    else:
        brake.release()
    brake.decided_by, brake.decided_at, brake.reason = actor, at, reason
    brake.save(update_fields=["status", "decided_by", "decided_at", "reason"])
    return brake
