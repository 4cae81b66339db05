"""The verbs of every reviewed setting, from the draft into force, and the registry of all of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from django.db import transaction
from django.db.models import Max, Model

from config.audit.record import audit
from config.engine.moves import Move, make_move
from config.engine.refusal import Refused
from config.engine.registry import Registry
from config.engine.reviewed.lifecycle import ACTIVATE, REJECT, RETIRE, SCHEDULE, SUBMIT, Status
from config.engine.reviewed.models import ReviewedVersion
from config.staff.access import Permission
from config.staff.holders import holders_of
from config.staff.models import User

V = TypeVar("V", bound=ReviewedVersion)


class Review(Generic[V]):
    """One reviewed setting: a subclass says what its content is, what is seen ahead and what coming into force does.

    Every verb is one transaction with its audit row, and raises Refused, with nothing written, where it does not
    apply: ``not_waiting`` when the version is not in the status the verb begins from. Safe to run concurrently.
    """

    model: type[V]
    # What its audit actions begin with ("policy" makes "policy.submitted"), and its code in the registry.
    code: ClassVar[str]
    # The model's columns that are content.
    columns: ClassVar[tuple[str, ...]] = ()
    # The names under which content in other tables is handed to ``write_parts``.
    parts: ClassVar[tuple[str, ...]] = ()

    def copy_from(self, draft: V, active: V) -> None:
        """Take over into a new draft what the version in force has in other tables."""

    def write_parts(self, draft: V, parts: Mapping[str, Any]) -> None:
        """Put ``parts`` in the place of what the draft has in other tables."""

    def content_of(self, version: V) -> dict[str, Any]:
        """Everything the version says, as JSON, to be compared and kept."""
        return {name: getattr(version, name) for name in self.columns}

    def preview(self, version: V, at: datetime) -> dict[str, Any]:
        """What would come of it, as JSON. Writes nothing."""
        return {}

    def on_active(self, version: V, former: V | None, at: datetime) -> None:
        """What has to happen in the transaction that puts it in force."""

    def active(self, parent: Model | None = None) -> V:
        """The version in force. Raises DoesNotExist where a parent has none."""
        active: V = self._of(parent).in_force().get()
        return active

    def changes(self, former: V | None, version: V) -> dict[str, list[Any]]:
        """What differs, each as [former value, new value]; None on a side that says nothing about it."""
        before, after = (self.content_of(former) if former else {}), self.content_of(version)
        pairs = {name: [before.get(name), after.get(name)] for name in {**before, **after}}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    @transaction.atomic
    def propose(self, *, actor: User, at: datetime, note: str = "", parent: Model | None = None, **values: Any) -> V:
        """Write a draft with the next version number; content that is not named is that in force."""
        columns, parts = self._split(values)
        active = self._lock(parent)
        if active is not None:
            columns = {name: getattr(active, name) for name in self.columns} | columns
        newest = self._of(parent).aggregate(newest=Max("version"))["newest"] or 0
        if parent is not None:
            columns[self.model.parent] = parent
        draft: V = self._rows.create(version=newest + 1, note=note, created_at=at, created_by=actor, **columns)
        if parts:
            self.write_parts(draft, parts)
        elif active is not None:
            self.copy_from(draft, active)
        return self._audit(draft, "proposed", actor, at, changes=self.changes(active, draft))

    @transaction.atomic
    def revise(self, pk: int, *, actor: User, at: datetime, note: str, **values: Any) -> V:
        """Change a draft; its preview is void, and ``actor`` is one of its authors from now on."""
        columns, parts = self._split(values)
        draft = self.locked(pk, Status.DRAFT)
        for name, value in columns.items():
            setattr(draft, name, value)
        draft.note = note
        self.touch(draft, actor, *columns, "note")
        if parts:
            self.write_parts(draft, parts)
        return self._audit(draft, "revised", actor, at, changes=self.changes(self._active_beside(draft), draft))

    def touch(self, draft: V, actor: User, *columns: str) -> None:
        """Save the draft that ``actor`` changed, with ``columns``: its preview is void and its authors are known."""
        if actor.pk != draft.created_by_id and actor.pk not in draft.changed_by:
            draft.changed_by = [*draft.changed_by, actor.pk]
        draft.preview = draft.previewed_at = None
        draft.save(update_fields=[*columns, "changed_by", "preview", "previewed_at"])

    def look_ahead(self, pk: int, *, at: datetime) -> V:
        """Work the preview of a draft out and keep it; a draft changed meanwhile keeps none. Locks nobody."""
        draft: V | None = self._rows.filter(pk=pk, status=Status.DRAFT).first()
        if draft is None:
            raise Refused("not_waiting")
        seen = self.content_of(draft)
        found = self.preview(draft, at)
        with transaction.atomic():
            draft = self.locked(pk, Status.DRAFT)
            if self.content_of(draft) == seen:
                draft.preview, draft.previewed_at = found, at
                draft.save(update_fields=["preview", "previewed_at"])
        return draft

    @transaction.atomic
    def submit(self, pk: int, *, actor: User, at: datetime, starts_at: datetime | None = None) -> V:
        """Ask a second person, to be in force from ``starts_at``, else at once.

        Raises Refused: ``no_preview``, for nobody approves what was not looked at; ``past`` for a day that is over;
        ``unchanged`` where nothing differs from the version in force.
        """
        draft = self.locked(pk, Status.DRAFT)
        if draft.preview is None:
            raise Refused("no_preview")
        if starts_at is not None and starts_at <= at:
            raise Refused("past")
        active = self._active_beside(draft)
        if active is not None and not self.changes(active, draft):
            raise Refused("unchanged")
        draft.submitted_by, draft.submitted_at, draft.starts_at = actor, at, starts_at
        self._move(draft, SUBMIT, "submitted_by", "submitted_at", "starts_at")
        return self._audit(draft, "submitted", actor, at, reason=draft.note)

    @transaction.atomic
    def approve(self, pk: int, *, actor: User, at: datetime, reason: str = "") -> V:
        """Put a submitted version in force and retire the former one, or let it wait for its day.

        Raises Refused: ``same_person`` for whoever wrote, changed or submitted any part while somebody else may
        approve; ``reason_needed`` for the only approver there is, who may, with a reason for the record.
        """
        version = self.locked(pk, Status.SUBMITTED)
        is_own = actor.pk in version.author_ids
        if is_own:
            _check_alone(actor, reason)
            version.self_approval_reason = reason
        version.approved_by, version.approved_at = actor, at
        changes = self.changes(self._active_beside(version), version)
        signed = ("approved_by", "approved_at", "self_approval_reason")
        if version.starts_at is not None and version.starts_at > at:
            self._move(version, SCHEDULE, *signed)
        else:
            self._put_in_force(version, at, *signed)
        return self._audit(
            version, "self_approved" if is_own else "approved", actor, at, reason=reason, changes=changes
        )

    @transaction.atomic
    def reject(self, pk: int, *, actor: User, at: datetime, reason: str = "") -> V:
        """Keep a version out of force for good that waits for its approval or its day."""
        version = self.locked(pk, Status.SUBMITTED, Status.SCHEDULED)
        self._move(version, REJECT)
        return self._audit(version, "rejected", actor, at, reason=reason)

    @transaction.atomic
    def discard(self, pk: int, *, actor: User, at: datetime) -> None:
        """Throw a draft away; nothing of it was ever in force."""
        draft = self.locked(pk, Status.DRAFT)
        self._audit(draft, "discarded", actor, at)
        draft.delete()

    def activate_due(self, *, at: datetime) -> int:
        """Put the approved versions in force whose day has come; returns how many."""
        due = self._rows.to_activate(at).order_by("starts_at", "pk")
        return sum(self._activate(pk, at) for pk in list(due.values_list("pk", flat=True)))

    @transaction.atomic
    def _activate(self, pk: int, at: datetime) -> bool:
        version = self._rows.to_activate(at).select_for_update(skip_locked=True).filter(pk=pk).first()
        if version is None:
            return False
        self._put_in_force(version, at)
        self._audit(version, "activated", None, at)
        return True

    def locked(self, pk: int, *statuses: str) -> V:
        """The version, locked, while it has one of these statuses. Raises Refused (``not_waiting``) when not."""
        rows = self._rows.select_for_update(of=("self",))
        found: V | None = rows.filter(pk=pk, status__in=statuses).first()
        if found is None:
            raise Refused("not_waiting")
        return found

    def _put_in_force(self, version: V, at: datetime, *columns: str) -> None:
        former = self._active_beside(version, lock=True)
        if former is not None:
            self._move(former, RETIRE)
        version.activated_at = at
        self._move(version, ACTIVATE, "activated_at", *columns)
        self.on_active(version, former, at)

    def _move(self, version: V, move: Move, *columns: str) -> None:
        make_move(version, move)
        version.save(update_fields=["status", *columns])

    @property
    def _rows(self) -> Any:
        return self.model._default_manager.all()

    def _of(self, parent: Model | None) -> Any:
        rows = self._rows
        return rows.filter(**{self.model.parent: parent}) if self.model.parent else rows

    def _lock(self, parent: Model | None) -> V | None:
        """The version in force; its row, or the parent's, is held: two proposals at once get different numbers."""
        if parent is not None:
            type(parent)._default_manager.select_for_update().get(pk=parent.pk)
            return self._of(parent).in_force().first()
        return self._rows.select_for_update(of=("self",)).in_force().get()

    def _active_beside(self, version: V, *, lock: bool = False) -> V | None:
        parent = getattr(version, self.model.parent) if self.model.parent else None
        rows = self._of(parent).in_force()
        return (rows.select_for_update(of=("self",)) if lock else rows).first()

    def _split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        if unknown := set(values) - {*self.columns, *self.parts}:
            raise TypeError(f"not content of {self.code}: {', '.join(sorted(unknown))}")
        columns = {name: value for name, value in values.items() if name in self.columns}
        return columns, {name: value for name, value in values.items() if name in self.parts}

    def _audit(self, version: V, verb: str, actor: User | None, at: datetime, *, reason: str = "", **data: Any) -> V:
        said = {"version": version.version, **data}
        audit(version, f"{self.code}.{verb}", actor=actor, at=at, reason=reason, **said)
        return version


def _check_alone(actor: User, reason: str) -> None:
    """Let an author approve who is the only one that may, with a reason."""
    if list(holders_of(Permission.APPROVE).values_list("pk", flat=True)[:2]) != [actor.pk]:
        raise Refused("same_person")
    if not reason:
        raise Refused("reason_needed")


REVIEWED: Registry[Review[Any]] = Registry("reviewed settings", code_of=lambda review: review.code)
