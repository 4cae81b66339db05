"""Settings that come in versions: somebody drafts and looks ahead, another person puts the version in force."""

from datetime import datetime
from typing import TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from config.engine.refusal import Refused
from config.staff.keys import staff_key
from config.staff.models import User


class Status(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Waiting for approval")
    ACTIVE = "active", _("In force")
    RETIRED = "retired", _("Retired")
    REJECTED = "rejected", _("Rejected")


class Version(models.Model):
    """One version of some settings: who proposed it, what was seen when looking ahead, who approved it."""

    version = models.PositiveIntegerField(_("version"), unique=True)
    note = models.CharField(_("what changes and why"), max_length=200, blank=True)
    preview = models.JSONField(_("preview"), null=True, blank=True)
    previewed_at = models.DateTimeField(_("previewed"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    created_by = staff_key(_("proposed by"))
    approved_by = staff_key(_("approved by"))
    activated_at = models.DateTimeField(_("in force since"), null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"v{self.version}"


class ReviewedVersion(Version):
    """A version in force once approved. The heir sees to it that exactly one is active, from its first migration on."""

    status = FSMField(_("status"), choices=Status.choices, default=Status.DRAFT, protected=True)

    class Meta(Version.Meta):
        abstract = True

    @transition(field=status, source=Status.DRAFT, target=Status.SUBMITTED)
    def submit(self) -> None:
        """Ask a second person."""

    @transition(field=status, source=Status.SUBMITTED, target=Status.REJECTED)
    def reject(self) -> None:
        """Not in force, kept for the record."""

    @transition(field=status, source=Status.SUBMITTED, target=Status.ACTIVE)
    def activate(self) -> None:
        """In force from now on; the former version must have been retired in the same transaction."""

    @transition(field=status, source=Status.ACTIVE, target=Status.RETIRED)
    def retire(self) -> None:
        """A newer version is in force."""


V = TypeVar("V", bound=ReviewedVersion)


def locked(model: type[V], pk: int, status: str) -> V:
    """The version, locked, while it has this status. Raises Refused (``not_waiting``) when it has it no more."""
    found = model._default_manager.select_for_update().filter(pk=pk, status=status).first()
    if found is None:
        raise Refused("not_waiting")
    return found


def submit(model: type[V], pk: int) -> V:
    """Ask a second person. Raises Refused without a preview, for nobody approves what was not looked at."""
    draft = locked(model, pk, Status.DRAFT)
    if draft.preview is None:
        raise Refused("no_preview")
    draft.submit()
    draft.save(update_fields=["status"])
    return draft


def approve(model: type[V], pk: int, *, actor: User, at: datetime) -> tuple[V, V]:
    """Put a submitted version in force and retire the former; returns both.

    Raises Refused when ``actor`` proposed it, or it no longer waits.
    """
    chosen = locked(model, pk, Status.SUBMITTED)
    if chosen.created_by_id == actor.pk:
        raise Refused("same_person")
    former = model._default_manager.select_for_update().get(status=Status.ACTIVE)
    former.retire()
    former.save(update_fields=["status"])
    chosen.activate()
    chosen.approved_by, chosen.activated_at = actor, at
    chosen.save(update_fields=["status", "approved_by", "activated_at"])
    return chosen, former


def reject(model: type[V], pk: int) -> V:
    """Keep a submitted version out of force, for good. Raises Refused when it no longer waits."""
    version = locked(model, pk, Status.SUBMITTED)
    version.reject()
    version.save(update_fields=["status"])
    return version
