"""The brake on an engine: what would move too many members at once waits for a person's decision."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from config.engine.moves import Move, MovingQuerySet, declare, edges
from config.engine.registry import Registry
from config.staff.access import Permission
from config.staff.keys import staff_key
from config.staff.models import User


class Status(models.TextChoices):
    OPEN = "open", _("Waiting for a decision")
    APPROVED = "approved", _("Approved")
    RELEASED = "released", _("Released for a new check")


APPROVE = Move.make("approve", [Status.OPEN], Status.APPROVED, permission=Permission.APPROVE)
# The facts were mended: judge again, under the brake as usual.
RELEASE = Move.make("release", [Status.OPEN], Status.RELEASED, permission=Permission.APPROVE)

MOVES = (APPROVE, RELEASE)
EDGES = edges(MOVES)


class Brake(models.Model):
    """One run that was stopped, with the moves it would have made. A subclass says what it holds and until when."""

    status = FSMField(_("status"), choices=Status.choices, default=Status.OPEN, protected=True)
    raised_at = models.DateTimeField(_("raised"))
    base_count = models.PositiveIntegerField(_("members in the base"))
    limit_count = models.PositiveIntegerField(_("limit"))
    matrix = models.JSONField(_("moves it would make"))
    decided_by = staff_key(_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)

    objects = MovingQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-raised_at"]


declare(Brake, "status", MOVES)

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
    counted: "Callable[[models.QuerySet[B]], models.QuerySet[B]]" = lambda brakes: brakes
    """What ``held_count`` needs besides the row, read for all open brakes at once."""

    def open_brakes(self) -> "models.QuerySet[B]":
        """Those that wait for a decision, oldest first."""
        rows: Any = self.model.objects.filter(status=Status.OPEN)
        return self.counted(cast("models.QuerySet[B]", rows.order_by("raised_at")))


# Every engine with a brake: each open one is a thing to do by itself.
GUARDED: Registry[GuardedRun[Any]] = Registry("guarded runs", code_of=lambda run: run.model._meta.label_lower)


def decide(model: type[B], pk: int, *, is_right: bool, actor: User, at: datetime, reason: str) -> B:
    """Approve an open brake, or release it, in the caller's transaction; returns it.

    Raises the model's DoesNotExist when the brake is not open any more.
    """
    decided = {"decided_by": actor, "decided_at": at, "reason": reason}
    if not model.objects.filter(pk=pk).apply(APPROVE if is_right else RELEASE, **decided):
        raise model.DoesNotExist
    decided_brake: Any = model.objects.get(pk=pk)
    return cast("B", decided_brake)
