"""What a file claimed about its members against what the engine computed. Claims are reported, never written."""

from typing import Any

from django.db import connection

from members.imports.issues import is_good
from members.imports.staging import rows_table
from members.imports.validation import Plan
from members.people.querysets.days import last_day_sql


def _end(instant: str) -> str:
    """An end as files say it: the last day where it ends at a midnight, else the minute."""
    return (
        f"CASE WHEN ({instant} AT TIME ZONE {{zone}})::time = '00:00' THEN {last_day_sql(instant, '{zone}')}::text "
        f"ELSE to_char({instant} AT TIME ZONE {{zone}}, 'YYYY-MM-DD HH24:MI') END"
    )


# (field, condition that a row claims it, what the file says, what the engine says), over rows r and lifecycle rows s.
_CLAIMS = (
    ("membership_status", "r.membership_status LIKE 'status:%'", "substr(r.membership_status, 8)", "s.membership_status"),
    ("membership_status", "r.membership_status LIKE 'state:%'", "substr(r.membership_status, 7)", "s.lifecycle_state"),
    ("lifecycle_state", "r.lifecycle_state LIKE 'state:%'", "substr(r.lifecycle_state, 7)", "s.lifecycle_state"),
    ("lifecycle_state", "r.lifecycle_state LIKE 'status:%'", "substr(r.lifecycle_state, 8)", "s.membership_status"),
    ("tier", "r.term_tier IS NOT NULL AND r.term_end > s.assessed_at", "r.term_tier::text", "s.tier_id::text"),
    ("expiration_time", "r.term_end IS NOT NULL", _end("r.term_end"), _end("s.expiration_time")),
)  # fmt: skip


def compare(plan: Plan, *, first_member_id: int) -> list[dict[str, Any]]:
    """Write one issue per claim that differs and return {field, file, engine, rows} groups, largest first."""
    if plan.profile != "members":
        return []
    zone = "'" + plan.setting.zone.replace("'", "''") + "'"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM members_importissue WHERE run_id = %s AND severity = 'difference'", [plan.run_id])
        for field, claims, told, computed in _CLAIMS:
            if field not in plan.columns:
                continue
            told, computed = told.replace("{zone}", zone), computed.replace("{zone}", zone)
            cursor.execute(
                f"""INSERT INTO members_importissue
                  (run_id, row_no, field, "column", code, severity, value, detail, member_id)
                SELECT {plan.run_id}, r.row_no, '{field}', '', 'differs', 'difference', {told}, coalesce({computed}, ''), s.member_id
                FROM {rows_table(plan.run_id)} r
                JOIN members_memberlifecycle s ON s.member_id = coalesce(r.member_id, {first_member_id:d} + r.row_no)
                WHERE {claims} AND s.lifecycle_state IS NOT NULL AND {told} IS DISTINCT FROM {computed}
                  AND {is_good(plan.run_id)}"""
            )
        cursor.execute(
            """SELECT field, CASE WHEN field = 'expiration_time' THEN '' ELSE value END,
                 CASE WHEN field = 'expiration_time' THEN '' ELSE detail END, count(*)
               FROM members_importissue WHERE run_id = %s AND severity = 'difference'
               GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 50""",
            [plan.run_id],
        )
        return [
            {"field": field, "file": told, "engine": computed, "rows": rows}
            for field, told, computed, rows in cursor.fetchall()
        ]
