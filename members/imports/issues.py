"""What is wrong with the rows of a judged file, kept as issues, and what would come of the others."""

from collections.abc import Sequence

from django.db import connection

from members.files.reading import BadRow
from members.imports.cleaning import quoted
from members.imports.models import ImportIssue, ImportRun
from members.imports.staging import raw_table, rows_table, terms_table
from members.imports.validation import Plan, key_of

# What is noted but does not keep a row out.
WARNINGS = ("excel_serial", "unknown_status")


def write_bad_rows(run: ImportRun, bad_rows: Sequence[BadRow]) -> None:
    """Keep the rows that could not be taken apart as issues."""
    header = run.columns
    ImportIssue.objects.bulk_create(
        (
            ImportIssue(
                run=run,
                row_no=bad.row_no,
                column="" if bad.column_index is None else header[bad.column_index][:200],
                code=bad.code,
                severity=ImportIssue.Severity.ERROR,
                value=bad.value.replace("\0", "␀")[:200],
                detail=bad.detail[:200],
            )
            for bad in bad_rows
        ),
        batch_size=1_000,
    )


def write_issues(plan: Plan) -> None:
    """Keep what the judged rows are at fault in as issues."""
    suspected = _suspected(plan)
    with connection.cursor() as cursor:
        if "problems" in suspected:
            cursor.execute(_cell_issues(plan))
        for name in _unique(plan):
            if name in suspected:
                cursor.execute(_duplicates(plan, name, name))
        # Two rows can name one member only when one of them finds her by another identity than the first.
        if "by_contact" in suspected:
            cursor.execute(_duplicates(plan, "member_id", key_of(plan), code="same_member", unless="duplicate"))
        if plan.shape.terms(plan.setting, rows_table(plan.run_id)):
            cursor.execute(_overlaps(plan))
        if plan.profile == "terms":
            cursor.execute(_overlaps_within(plan))


def _unique(plan: Plan) -> list[str]:
    return [name for name in plan.shape.unique if name in plan.columns]


def _suspected(plan: Plan) -> set[str]:
    """In which columns one pass sees that something may be wrong; in the others nothing is."""
    # Sorting hashes costs a third of grouping texts, and nearly always shows that no value stands there twice.
    tests = {name: f"count({name}) > count(DISTINCT hashtextextended({name}, 0))" for name in _unique(plan)}
    tests["problems"] = "count(problems) > 0"
    if plan.profile in ("members", "telco"):
        tests["by_contact"] = "count(*) FILTER (WHERE by_contact) > 0"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(tests.values())} FROM {rows_table(plan.run_id)}")
        return {name for name, is_suspected in zip(tests, cursor.fetchone(), strict=True) if is_suspected}


_INSERT = 'INSERT INTO members_importissue (run_id, row_no, field, "column", code, severity, value, detail) '


def _column_name(plan: Plan, field: str) -> str:
    branches = " ".join(
        f"WHEN {quoted(name)} THEN {quoted(plan.header[index][:200])}" for name, index in plan.columns.items()
    )
    return f"CASE {field} {branches} ELSE '' END"


def _cell(plan: Plan, field: str, raw: str) -> str:
    branches = " ".join(f"WHEN {quoted(name)} THEN {raw}.c{index}" for name, index in plan.columns.items())
    return f"left(coalesce(CASE {field} {branches} END, ''), 200)"


def _cell_issues(plan: Plan) -> str:
    warnings = ", ".join(quoted(code) for code in WARNINGS)
    return f"""{_INSERT}
      SELECT {plan.run_id}, p.row_no, p.field, {_column_name(plan, "p.field")}, p.code,
        CASE WHEN p.code IN ({warnings}) THEN 'warning' ELSE 'error' END, {_cell(plan, "p.field", "w")}, ''
      FROM (
        SELECT r.row_no, split_part(u, ':', 1) AS field, split_part(u, ':', 2) AS code
        FROM {rows_table(plan.run_id)} r CROSS JOIN LATERAL unnest(string_to_array(r.problems, ',')) u
        WHERE r.problems IS NOT NULL
      ) p JOIN {raw_table(plan.run_id)} w USING (row_no)"""


def _duplicates(plan: Plan, by: str, field: str, *, code: str = "duplicate", unless: str = "") -> str:
    """Every row of a group that shares a value is named, each with another row of the group."""
    rows = rows_table(plan.run_id)
    told = f"""WHERE NOT EXISTS (SELECT 1 FROM members_importissue i WHERE i.run_id = {plan.run_id}
        AND i.row_no = r.row_no AND i.code = {quoted(unless)})""" if unless else ""  # fmt: skip
    return f"""{_INSERT}
      SELECT {plan.run_id}, r.row_no, {quoted(field)}, {_column_name(plan, quoted(field))}, {quoted(code)}, 'error',
        {_cell(plan, quoted(field), "w")}, CASE WHEN r.row_no = g.first THEN g.last ELSE g.first END::text
      FROM (
        SELECT {by}, min(row_no) AS first, max(row_no) AS last FROM {rows} WHERE {by} IS NOT NULL
        GROUP BY {by} HAVING count(*) > 1
      ) g JOIN {rows} r USING ({by}) JOIN {raw_table(plan.run_id)} w USING (row_no) {told}"""


def _overlaps(plan: Plan) -> str:
    # Terms of a terms file are facts of their own: cover known under other dates is a conflict, the same term is not.
    clash = "t.verdict = 'overlap'"
    if plan.profile == "terms":
        clash = """t.verdict IN ('overlap', 'covered') AND NOT EXISTS (SELECT 1 FROM members_membershipterm k
          WHERE k.member_id = t.member_id AND k.starts_at = t.starts_at AND k.ends_at = t.ends_at)"""
    field = "expiration_time" if "expiration_time" in plan.columns else key_of(plan)
    return f"""{_INSERT}
      SELECT DISTINCT {plan.run_id}, t.row_no, {quoted(field)}, {_column_name(plan, quoted(field))}, 'overlap', 'error',
        {_cell(plan, quoted(field), "w")}, ''
      FROM {terms_table(plan.run_id)} t JOIN {raw_table(plan.run_id)} w USING (row_no) WHERE {clash}"""


def _overlaps_within(plan: Plan) -> str:
    field = "activation_time"
    return f"""{_INSERT}
      SELECT {plan.run_id}, t.row_no, {quoted(field)}, {_column_name(plan, quoted(field))}, 'overlap_within', 'error',
        {_cell(plan, quoted(field), "w")}, t.before::text
      FROM (
        SELECT row_no, starts_at, lag(row_no) OVER w AS before,
          max(ends_at) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy_until
        FROM {terms_table(plan.run_id)} WHERE member_id IS NOT NULL WINDOW w AS (PARTITION BY member_id ORDER BY starts_at, row_no)
      ) t JOIN {raw_table(plan.run_id)} w USING (row_no) WHERE t.starts_at < t.busy_until"""


def is_good(run_id: int, alias: str = "r") -> str:
    """The condition that a row of a working table has no error."""
    return (
        f"NOT EXISTS (SELECT 1 FROM members_importissue bad WHERE bad.run_id = {run_id:d} AND bad.severity = 'error' "
        f"AND bad.row_no = {alias}.row_no)"
    )


def counts(plan: Plan) -> dict[str, int]:
    """What would happen: members or terms or events to create, to update, left alone, and rejected rows among all."""
    rejected = _rejected(plan)
    rows = terms_table(plan.run_id) if plan.profile == "terms" else rows_table(plan.run_id)
    # Asking of every row whether it is among none at all costs as much as counting them.
    good = f"FROM {rows} r WHERE {is_good(plan.run_id)}" if rejected else f"FROM {rows} r"
    if plan.profile in ("members", "telco"):
        new_terms = f"SELECT t.row_no FROM {terms_table(plan.run_id)} t WHERE t.verdict IN ('new', 'tail')"
        changed = f"(r.profile_changed OR r.identity_changed OR r.signal_changed OR r.zone_changed OR r.row_no IN ({new_terms}))"
        select = f"""count(*) FILTER (WHERE r.member_id IS NULL), count(*) FILTER (WHERE r.member_id IS NOT NULL AND {changed}),
          count(*)"""
    elif plan.profile == "terms":
        select = "count(*) FILTER (WHERE r.verdict = 'new'), 0, count(*)"
    else:
        select = "count(*) FILTER (WHERE NOT r.is_known), 0, count(*)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {select} {good}")
        create, update, total = cursor.fetchone()
    return {"create": create, "update": update, "same": total - create - update, "rejected": rejected}


def _rejected(plan: Plan) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT row_no) FROM members_importissue WHERE run_id = %s AND severity = 'error'",
            [plan.run_id],
        )
        return cursor.fetchone()[0]
