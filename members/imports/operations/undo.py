"""Taking an import back, while nothing later touched what it wrote.

Members it created go, with everything that hangs on them; what it changed on others is set back, and the terms it gave
them are voided, so that the engine can judge them anew. Apps above register what of theirs hangs on a member.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction

from config.audit.record import audit
from config.engine.refusal import Refused
from config.engine.registry import Registry
from config.staff.models import User
from members.counters.models import EventTally
from members.events.models import ActiveDay, Event, TraitStamp
from members.foreseen.models import ForeseenChange
from members.imports.models import ImportRun
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.lifecycle.operations.sweep import sweep
from members.people.models import Consent, Identity, Member
from members.segments.models import Segment, SegmentMembership
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm, MemberSignal
from members.value.models import GroupChange, MemberValue

Status = ImportRun.Status

# What the import and the engine write themselves; the rest of what points at a member is somebody's later work.
_OWN = (
    Identity,
    MemberLifecycle,
    LifecycleTransition,
    MembershipTerm,
    MemberSignal,
    MemberTag,
    Event,
    ActiveDay,
    Consent,
    TraitStamp,
    EventTally,
    MemberValue,
    GroupChange,
    SegmentMembership,
    ForeseenChange,
)

# The catalogue's volume without the events of ``gone`` (definition_id, local_on).
_UNCOUNT = """
  UPDATE members_eventday d SET events = d.events - g.events
  FROM (SELECT definition_id, local_on, count(*) AS events FROM gone GROUP BY 1, 2) g
  WHERE d.definition_id = g.definition_id AND d.local_on = g.local_on AND d.slot = (
    SELECT min(h.slot) FROM members_eventday h WHERE h.definition_id = d.definition_id AND h.local_on = d.local_on)"""


@dataclass(frozen=True)
class Follower:
    """A model of a higher app with a ``member`` key: ``blocking`` rows forbid undo, the others go along."""

    model: type[models.Model]
    blocking: models.Q


# Models that nobody registers forbid undo by any row.
FOLLOWERS: Registry[Follower] = Registry("followers of imports", code_of=lambda one: one.model._meta.label)


@dataclass
class Obstacles:
    """Why an import cannot be undone: reasons with the number of members and the first of them."""

    found: list[tuple[str, int, list[int]]] = field(default_factory=list)

    def add(self, reason: str, member_ids: list[int], count: int) -> None:
        if count:
            self.found.append((reason, count, member_ids))

    def __bool__(self) -> bool:
        return bool(self.found)


def _ids(statement: str, params: Mapping[str, Any]) -> tuple[list[int], int]:
    """The first five members of a query and how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (array_agg(q.member_id))[1:5], count(*) FROM (SELECT DISTINCT member_id FROM ({statement}) i) q",
            params,
        )
        first, count = cursor.fetchone()
    return first or [], count


def obstacles(run: ImportRun) -> Obstacles:
    """What later work stands on the rows this run wrote; empty when it can be undone."""
    found = Obstacles()
    params = {"run": run.pk, "at": run.applied_at, "first": run.first_member_id or 0, "last": _last_id(run)}
    created = "SELECT id AS member_id FROM members_member WHERE id > %(first)s AND id <= %(last)s"
    mine = f"{created} UNION SELECT member_id FROM members_importeffect WHERE run_id = %(run)s"
    by_hand = MemberTag.Cause.HAND
    checks: dict[str, str] = {
        "merge": "SELECT r.absorbed_id AS member_id FROM members_mergerecord r "
        f"WHERE r.undone_at IS NULL AND r.absorbed_id IN ({mine})",
        "profile": f"SELECT m.id AS member_id FROM members_member m WHERE m.id IN ({mine}) AND m.updated_at > %(at)s",
        "term": f"SELECT t.member_id FROM members_membershipterm t WHERE t.member_id IN ({mine}) "
        "AND (t.booked_at > %(at)s OR t.closed_at > %(at)s)",
        "signal": f"SELECT g.member_id FROM members_membersignal g WHERE g.member_id IN ({mine}) AND g.at > %(at)s",
        "event": f"SELECT e.member_id FROM members_event e WHERE e.member_id IN ({mine}) AND e.received_at > %(at)s",
        "consent": f"SELECT c.member_id FROM members_consent c WHERE c.member_id IN ({mine}) AND c.changed_at > %(at)s",
        "tag": f"SELECT g.member_id FROM members_membertag g WHERE g.member_id IN ({created}) "
        f"AND (g.given_at > %(at)s OR g.until_cause = '{by_hand}' AND g.until > %(at)s)",
        "segment": "SELECT p.member_id FROM members_segmentmembership p JOIN members_segment s ON s.id = p.segment_id "
        f"WHERE s.kind = '{Segment.Kind.STATIC}' AND p.member_id IN ({created}) AND p.entered_at > %(at)s",
        "import": "SELECT e.member_id FROM members_importeffect e JOIN members_importrun r ON r.id = e.run_id "
        f"WHERE e.run_id > %(run)s AND r.status IN ('settling', 'done') AND e.member_id IN ({mine})",
    }
    for reason, statement in checks.items():
        found.add(reason, *_ids(statement, params))
    for relation in Member._meta.related_objects:
        model = relation.related_model
        if model in _OWN:
            continue
        rows = model._default_manager.filter(**{f"{relation.field.name}_id__gt": params["first"]})
        rows = rows.filter(**{f"{relation.field.name}_id__lte": params["last"]})
        if follower := FOLLOWERS.get(model._meta.label):
            rows = rows.filter(follower.blocking)
        member_ids = rows.order_by().values_list(f"{relation.field.name}_id", flat=True).distinct()
        found.add(str(model._meta.verbose_name_plural), list(member_ids[:5]), member_ids.count())
    return found


def _last_id(run: ImportRun) -> int:
    return (run.first_member_id or 0) + (run.rows_read + 1 if run.first_member_id else 0)


def start_undo(*, run_id: int, actor: User, at: datetime) -> bool:
    """Hand a finished run to a worker for undoing; returns False when it is not done. Raises Refused."""
    run = ImportRun.objects.get(pk=run_id)
    if obstacles(run):
        raise Refused("touched_since")
    return ImportRun.objects.advance(
        run_id, Status.DONE, Status.UNDOING, undone_by=actor, attempts=0, step="", failure_code="", failure_detail={}
    )


def undo(*, run_id: int, at: datetime) -> None:
    """Undo a run in one transaction. After a crash it begins anew. Raises Refused if it was touched meanwhile."""
    run = ImportRun.objects.get(pk=run_id)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(
                "SELECT count(*) FROM (SELECT 1 FROM members_memberlifecycle WHERE member_id > %(first)s AND member_id <= %(last)s "
                "OR member_id IN (SELECT member_id FROM members_importeffect WHERE run_id = %(run)s) ORDER BY member_id FOR UPDATE) l",
                {"first": run.first_member_id or 0, "last": _last_id(run), "run": run_id},
            )
            if obstacles(run):
                raise Refused("touched_since")
            for statement in _restoring():
                cursor.execute(statement, {"run": run_id, "at": at, "zone": settings.PROJECT_TIME_ZONE})
        _delete_created(run)
        ImportRun.objects.advance(run_id, Status.UNDOING, Status.UNDONE, undone_at=at, attempts=0, step="")
        audit(run, "import.undone", actor=run.undone_by, at=at, created=run.created_count, updated=run.updated_count)
    sweep(at=at)


def _restoring() -> tuple[str, ...]:
    """Set back what was changed on members known before, from what the effects remember."""
    mine = "e.run_id = %(run)s AND e.noun = "
    return (
        f"""UPDATE members_member m SET (display_name, language, gender, birthday_on, city, channel, registered_at, attributes,
              updated_at) = (SELECT p.display_name, p.language, p.gender, p.birthday_on, p.city, p.channel, p.registered_at,
              p.attributes, p.updated_at FROM jsonb_populate_record(m, e.before) p)
            FROM members_importeffect e WHERE {mine} 'member' AND e.member_id = m.id""",
        f"""DELETE FROM members_identity i USING members_importeffect e
            WHERE {mine} 'identity' AND e.object_id = i.id AND e.before IS NULL""",
        f"""UPDATE members_identity i SET value = e.before ->> 'value', created_at = (e.before ->> 'created_at')::timestamptz
            FROM members_importeffect e WHERE {mine} 'identity' AND e.object_id = i.id AND e.before IS NOT NULL""",
        f"""UPDATE members_memberlifecycle s SET time_zone = e.before ->> 'time_zone'
            FROM members_importeffect e WHERE {mine} 'time_zone' AND e.member_id = s.member_id""",
        f"""UPDATE members_membershipterm t SET closed_at = %(at)s, close_reason = 'void', voided_at = %(at)s
            FROM members_importeffect e WHERE {mine} 'term' AND e.object_id = t.id AND t.close_reason = ''""",
        f"""DELETE FROM members_membersignal g USING members_importeffect e WHERE {mine} 'signal' AND e.object_id = g.id""",
        f"""WITH gone AS (
              DELETE FROM members_event v USING members_importeffect e
              WHERE {mine} 'event' AND v.member_id = e.member_id AND v.id = e.object_id
              RETURNING v.source_id, v.message_id, v.definition_id, (v.occurred_at AT TIME ZONE %(zone)s)::date AS local_on
            ),
            uncounted AS ({_UNCOUNT})
            DELETE FROM members_eventreceipt r USING gone g WHERE r.source_id = g.source_id AND r.message_id = g.message_id""",
        # Active days are what the remaining events say.
        """DELETE FROM members_activeday d WHERE d.member_id IN (
              SELECT e.member_id FROM members_importeffect e WHERE e.run_id = %(run)s AND e.noun = 'event')
            AND NOT EXISTS (SELECT 1 FROM members_event v JOIN members_eventdefinition f ON f.id = v.definition_id AND f.is_activity
              WHERE v.member_id = d.member_id AND v.occurred_at >= d.local_on - interval '1 day'
                AND v.occurred_at < d.local_on + interval '2 days' AND v.occurred_at >= d.first_at)""",
        """UPDATE members_memberlifecycle s SET next_due_at = least(s.next_due_at, %(at)s) WHERE s.member_id IN (
              SELECT e.member_id FROM members_importeffect e WHERE e.run_id = %(run)s)""",
    )


def _delete_created(run: ImportRun) -> None:
    """Delete the members the run created, children first; followers of higher apps that do not forbid it go along."""
    if not run.first_member_id:
        return
    span = {"member_id__gt": run.first_member_id, "member_id__lte": _last_id(run)}
    for follower in FOLLOWERS:
        rows = follower.model._default_manager.filter(**span)
        rows._raw_delete(rows.db)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH gone AS (SELECT definition_id, (occurred_at AT TIME ZONE %s)::date AS local_on FROM members_event "
            f"WHERE member_id > %s AND member_id <= %s) {_UNCOUNT}",
            [settings.PROJECT_TIME_ZONE, run.first_member_id, _last_id(run)],
        )
        cursor.execute(
            "DELETE FROM members_eventreceipt r USING members_event e WHERE e.member_id > %s AND e.member_id <= %s "
            "AND r.source_id = e.source_id AND r.message_id = e.message_id",
            [run.first_member_id, _last_id(run)],
        )
    for model in _OWN:
        rows = model._default_manager.filter(**span)
        rows._raw_delete(rows.db)
    people = Member.objects.filter(pk__gt=run.first_member_id, pk__lte=_last_id(run))
    people._raw_delete(people.db)
