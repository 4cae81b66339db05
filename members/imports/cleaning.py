"""How one cell's text becomes a value, in SQL: per kind the normalised text, the typed value, and what is wrong.

Each kind is three expressions. ``clean`` sees the trimmed cell as {r} and gives normalised text; ``value`` sees that
as {k} and gives the typed value or NULL; ``problem`` sees both ({k}, {x}) and names the issue or gives NULL. A cell
that is blank is NULL throughout and never a problem. Money is read by {power}: the minor units in one of its row's currency.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from config.engine.money import MAX_MINOR, known_currencies_sql
from members.files.mapping import Field

_FULL_WIDTH = "０１２３４５６７８９：／－．，＋＠　（）￥"
_PLAIN = "0123456789:/-.,+@ ()¥"


def quoted(text: str) -> str:
    """``text`` as a SQL literal; only for our own constants and settings."""
    return "'" + text.replace("'", "''") + "'"


def folded(expression: str) -> str:
    """Full-width digits and signs made plain."""
    return f"translate({expression}, {quoted(_FULL_WIDTH)}, {quoted(_PLAIN)})"


@dataclass(frozen=True)
class Kind:
    clean: str
    value: str
    problem: str
    sql_type: str = "text"


# What pandas and Excel write where there is nothing; as a name or a number it would be an accident.
_PLACEHOLDERS = "('NaN', '#N/A', '#REF!', '#VALUE!', '#NAME?', '#DIV/0!', '#NUM!', '#NULL!', '########')"
# A file this system exported carries a quote before what a spreadsheet would run; it is not part of the value.
_UNGUARDED = (
    "CASE WHEN starts_with({r}, '''') AND substr({r}, 2, 1) IN ('=', '+', '-', '@', '＝', '＋', '－', '＠') "
    "THEN substr({r}, 2) ELSE {r} END"
)
_IS_FORMULA = "starts_with({k}, '=') AND NOT starts_with({r}, '''')"

# What is a value is no problem, so a good cell costs no further look.
_TEXT_VALUE = (
    "CASE WHEN length({k}) <= {length} AND {k} NOT IN " + _PLACEHOLDERS + " AND NOT (" + _IS_FORMULA + ") THEN {k} END"
)
_TEXT_PROBLEM = (
    "CASE WHEN {x} IS NULL THEN CASE WHEN {k} IN " + _PLACEHOLDERS + " THEN 'placeholder' "
    "WHEN " + _IS_FORMULA + " THEN 'formula' ELSE 'too_long' END END"
)

_SCIENTIFIC = r"strpos({k}, '+') > 0 AND {k} ~ '^\d(\.\d+)?[eE]\+\d+$'"
_KEY_CLEAN = "CASE WHEN octet_length({r}) = length({r}) THEN " + _UNGUARDED + " ELSE normalize({r}, NFKC) END"

# Year first, with dashes, slashes, dots or 年月日, or eight digits; a time and an offset may follow.
_DATE_HEAD = r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?[T\s]*"
# The usual spellings are told by their shape; only the others meet the regular expressions, which cost ten times more.
_DATE_CLEAN = (
    "CASE WHEN octet_length({r}) = length({r}) AND ({r} LIKE '____-__-__' OR {r} LIKE '____-__-_____:__%') THEN {r} "
    "ELSE btrim(regexp_replace(regexp_replace("
    + folded("{r}")
    + ", '" + _DATE_HEAD + r"', '\1-\2-\3 '), '^(\d{4})(\d{2})(\d{2})$', '\1-\2-\3')) END"
)  # fmt: skip
_IS_DAY = r"(octet_length({k}) = 10 AND {k} LIKE '____-__-__' OR {k} ~ '^\d{4}-\d{1,2}-\d{1,2}$') AND pg_input_is_valid({k}, 'date')"
_CLOCK = r"[T\s]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_LOCAL_SHAPE = "octet_length({k}) IN (16, 19) AND ({k} LIKE '____-__-_____:__' OR {k} LIKE '____-__-_____:__:__')"
_OFFSET_SHAPE = (
    "octet_length({k}) BETWEEN 20 AND 25 AND ({k} LIKE '____-__-_____:__:__+__:__' OR {k} LIKE '____-__-_____:__:__Z' "
    "OR {k} LIKE '____-__-_____:__:__-__:__') AND pg_input_is_valid({k}, 'timestamptz')"
)
_IS_LOCAL = (
    "(" + _LOCAL_SHAPE + r" OR {k} ~ '^\d{4}-\d{1,2}-\d{1,2}" + _CLOCK + r"$') AND pg_input_is_valid({k}, 'timestamp')"
)
_IS_INSTANT = (
    r"{k} ~ '^\d{4}-\d{1,2}-\d{1,2}"
    + _CLOCK
    + r"\s?(Z|[+-]\d{2}(:?\d{2})?)$' AND pg_input_is_valid({k}, 'timestamptz')"
)
# Days since 1899-12-30 (the 1900 date system), 1954 to 2119: what a date column becomes when its format is lost.
_IS_SERIAL = r"strpos({k}, '-') = 0 AND {k} ~ '^[2-7]\d{4}(\.\d+)?$'"
_SERIAL = "(timestamp '1899-12-30' + make_interval(secs => round({k}::numeric * 86400)::float8))"

_DATE_PROBLEM = (
    "CASE WHEN {x} IS NULL THEN CASE WHEN {k} IN ('NaN', 'nan', 'NaT') THEN 'not_a_number' "
    r"WHEN {k} ~ '^\d{4}-\d{1,2}-\d{1,2}' THEN 'no_such_date' "
    r"WHEN {k} ~ '^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}' THEN 'ambiguous_date' "
    "WHEN {k} LIKE '=%' THEN 'formula' ELSE 'bad_date' END "
    "WHEN {x} < '1900-01-01' OR {x} >= '2200-01-01' THEN 'unlikely_date' "
    "WHEN " + _IS_SERIAL + " THEN 'excel_serial' END"
)


def _instant(day: str) -> str:
    """A day with no time becomes ``day`` (SQL on {k}, a local timestamp); the rest stands as it is written."""
    zone = quoted(settings.PROJECT_TIME_ZONE)
    serial_day = day.replace("{k}::date", _SERIAL + "::date")
    branches = (
        (_OFFSET_SHAPE, "{k}::timestamptz"),
        (_IS_DAY, f"({day}) AT TIME ZONE {zone}"),
        (_IS_LOCAL, f"{{k}}::timestamp AT TIME ZONE {zone}"),
        (_IS_INSTANT, "{k}::timestamptz"),
        (r"{k} ~ '^[2-7]\d{4}$'", f"({serial_day}) AT TIME ZONE {zone}"),
        (_IS_SERIAL, f"{_SERIAL} AT TIME ZONE {zone}"),
    )
    return "CASE " + " ".join(f"WHEN {condition} THEN {value}" for condition, value in branches) + " END"


_NUMBER_CLEAN = "regexp_replace(" + folded("{r}") + r", '[\s,¥$€£₩]|元$', '', 'g')"
_NUMBER_PROBLEM = (
    "CASE WHEN {x} IS NULL THEN CASE WHEN lower({k}) IN ('nan', 'inf', '-inf', 'infinity', '-infinity') "
    "THEN 'not_a_number' WHEN {k} LIKE '=%' THEN 'formula' ELSE '" + "{code}' END END"
)

_MINOR = "({k}::numeric * {power})"
# More decimals than the currency has are no amount of it: rounding would book what nobody wrote.
_MONEY_VALUE = (
    r"CASE WHEN {k} ~ '^-?\d{1,15}(\.\d{1,30})?$' THEN CASE WHEN "
    + _MINOR + " = trunc" + _MINOR + " AND abs" + _MINOR + f" <= {MAX_MINOR} THEN " + _MINOR + "::bigint END END"
)  # fmt: skip
_MONEY_PROBLEM = _NUMBER_PROBLEM.replace(
    " ELSE '{code}'",
    r" WHEN {k} ~ '^-?\d{1,15}\.\d*[1-9]\d*$' THEN 'too_many_decimals' "
    r"WHEN {k} ~ '^-?\d{10,}(\.\d+)?$' THEN 'amount_too_large' ELSE 'bad_amount'",
)


def _choices(table: dict[str, tuple[str, ...]]) -> str:
    branches = " ".join(
        f"WHEN {{k}} IN ({', '.join(quoted(word) for word in (value, *words))}) THEN {quoted(value)}"
        for value, words in table.items()
    )
    return f"CASE {branches} END"


_GENDERS = {"female": ("f", "女", "女士", "女性"), "male": ("m", "男", "先生", "男性"), "other": ("其他", "x")}
_TERM_KINDS = {
    "paid": ("付费", "正式", "购买"),
    "trial": ("试用", "体验"),
    "gift": ("赠送", "礼品", "赠品"),
    "compensation": ("补偿", "赔付"),
}
_CONTRACTS = {
    "month": ("month-to-month", "monthly"),
    "year": ("one year", "one-year"),
    "two_years": ("two year", "two years", "two-year"),
}
# What files say about a member's standing: a lifecycle state or a membership status. 临期 is the state expiring.
_CLAIMS = {
    "state:expiring": ("expiring", "临期", "临期会员", "即将到期"),
    "state:prospect": ("prospect", "潜在用户", "潜在"),
    "state:trial": ("trial", "试用用户"),
    "state:first_paid": ("first_paid", "first paid", "首次付费用户", "首次付费"),
    "state:highly_active": ("highly_active", "highly active", "高活跃会员", "高活跃"),
    "state:stable": ("stable", "稳定会员", "稳定"),
    "state:churned": ("churned", "流失用户", "流失", "已流失"),
    "status:none": ("none", "无", "非会员", "未开通"),
    "status:trialing": ("trialing", "试用中", "试用"),
    "status:active": ("active", "正常", "有效", "生效中", "会员中", "在期"),
    "status:grace": ("grace", "in grace", "宽限期", "宽限", "宽限中"),
    "status:expired": ("expired", "过期", "已过期", "过期会员", "失效", "已失效", "lapsed"),
}

_LOWER = "lower(" + folded("{r}") + ")"
_FLAG = (
    "CASE WHEN {k} IN ('是', 'true', 't', '1', 'yes', 'y', 'on', '开', '开启', '已开启', '已开通') THEN true "
    "WHEN {k} IN ('否', 'false', 'f', '0', 'no', 'n', 'off', '关', '关闭', '未开启', '未开通') THEN false END"
)


def _unknown(code: str) -> str:
    return "CASE WHEN {x} IS NULL THEN CASE WHEN {k} LIKE '=%' THEN 'formula' ELSE '" + code + "' END END"


def kinds() -> dict[str, Kind]:
    """Every kind of field. Built on call: the project's time zone is a setting."""
    return {
        "text": Kind(_UNGUARDED, _TEXT_VALUE, _TEXT_PROBLEM),
        "key": Kind(
            _KEY_CLEAN,
            "CASE WHEN NOT (" + _SCIENTIFIC + ") THEN " + _TEXT_VALUE + " END",
            "CASE WHEN {x} IS NULL THEN CASE WHEN " + _SCIENTIFIC + " THEN 'scientific' ELSE " + _TEXT_PROBLEM + " END END",
        ),
        # The same outcome as members.terms.rules.normalise_identity; a test holds the two equal.
        "phone": Kind(
            r"CASE WHEN {r} ~ '^1[3-9]\d{9}$' THEN {r} ELSE regexp_replace(regexp_replace(normalize(ltrim({r}, ''''), NFKC), "
            r"'[\s().·-]', '', 'g'), '^\+?86(1[3-9]\d{9})$', '\1') END",
            r"CASE WHEN {k} ~ '^(1[3-9]\d{9}|\+\d{8,15}|0\d{9,11})$' THEN {k} END",
            "CASE WHEN {x} IS NULL THEN CASE WHEN " + _SCIENTIFIC + " THEN 'scientific' WHEN {k} LIKE '=%' THEN 'formula' "
            "ELSE 'bad_phone' END END",
        ),
        "email": Kind(
            "lower(CASE WHEN octet_length({r}) = length({r}) THEN {r} ELSE normalize({r}, NFKC) END)",
            r"CASE WHEN {k} ~ '^[^@\s,;<>\"=][^@\s,;<>\"]*@[^@\s,;<>\"]+\.[^@\s,;<>\".]{2,}$' AND length({k}) <= 200 THEN {k} END",
            "CASE WHEN {x} IS NULL THEN CASE WHEN {k} LIKE '=%' THEN 'formula' ELSE 'bad_email' END END",
        ),
        "date": Kind(
            _DATE_CLEAN,
            "CASE WHEN " + _IS_DAY + " THEN {k}::date WHEN " + _IS_LOCAL + " THEN {k}::timestamp::date "
            "WHEN " + _IS_SERIAL + " THEN " + _SERIAL + "::date END",
            _DATE_PROBLEM,
            "date",
        ),
        "start": Kind(_DATE_CLEAN, _instant("{k}::date::timestamp"), _DATE_PROBLEM, "timestamptz"),
        # A date alone is the last day of cover: the term ends when that day does.
        "end": Kind(_DATE_CLEAN, _instant("{k}::date + interval '1 day'"), _DATE_PROBLEM, "timestamptz"),
        # A day without a time is put at noon, so that it stays the same day in every near time zone.
        "noon": Kind(_DATE_CLEAN, _instant("{k}::date + interval '12 hours'"), _DATE_PROBLEM, "timestamptz"),
        "money": Kind(_NUMBER_CLEAN, _MONEY_VALUE, _MONEY_PROBLEM, "bigint"),
        "months": Kind(
            _NUMBER_CLEAN, r"CASE WHEN {k} ~ '^\d{1,4}$' THEN {k}::int END",
            _NUMBER_PROBLEM.replace("{code}", "bad_number"), "int",
        ),
        "count": Kind(
            _NUMBER_CLEAN, r"CASE WHEN {k} ~ '^\d{1,9}$' THEN {k}::int END",
            _NUMBER_PROBLEM.replace("{code}", "bad_number"), "int",
        ),
        "currency": Kind(
            "upper({r})",
            "CASE WHEN {k} IN " + known_currencies_sql() + " THEN {k} WHEN {k} IN ('人民币', '元', 'RMB') THEN 'CNY' END",
            _unknown("bad_currency"),
        ),
        "flag": Kind(_LOWER, _FLAG, _unknown("bad_flag"), "boolean"),
        "gender": Kind(_LOWER, _choices(_GENDERS), _unknown("unknown_gender")),
        "term_kind": Kind(_LOWER, _choices(_TERM_KINDS), _unknown("unknown_kind")),
        "contract": Kind(_LOWER, _choices(_CONTRACTS), _unknown("unknown_contract")),
        "claim": Kind(_LOWER, _choices(_CLAIMS), _unknown("unknown_status")),
        "zone": Kind("{r}", "CASE WHEN {k} IN (SELECT name FROM pg_timezone_names) THEN {k} END", _unknown("unknown_zone")),
        # The ids behind the words come in with the lookups of one check.
        "tier": Kind("lower(normalize({r}, NFKC))", "{lookup}", _unknown("unknown_tier"), "bigint"),
        "plan": Kind("lower(normalize({r}, NFKC))", "{lookup}", _unknown("unknown_plan"), "bigint"),
    }  # fmt: skip


Lookups = Mapping[str, Mapping[str, int]]


def clean_sql(field: Field, raw: str) -> str:
    """The cell's text made plain, from the trimmed column ``raw``."""
    return kinds()[field.kind].clean.replace("{r}", raw)


def value_sql(field: Field, raw: str, cleaned: str, lookups: Lookups, power: str) -> str:
    """The typed value, or NULL where the text is none. ``lookups`` has the ids of tiers and plans by name.

    ``power`` gives the minor units in one of the row's currency.
    """
    value = kinds()[field.kind].value.replace("{power}", power)
    if "{lookup}" in value:
        value = value.replace("{lookup}", _lookup(lookups.get(field.kind, {})))
    return _filled(value, field, raw, cleaned)


def problem_sql(field: Field, raw: str, cleaned: str, value: str) -> str:
    """The name of what is wrong with a cell that is not blank, or NULL."""
    return _filled(kinds()[field.kind].problem, field, raw, cleaned).replace("{x}", value)


def type_of(field: Field) -> str:
    return kinds()[field.kind].sql_type


def _lookup(ids: Mapping[str, int]) -> str:
    if not ids:
        return "NULL::bigint"
    return "CASE {k} " + " ".join(f"WHEN {quoted(word)} THEN {pk}::bigint" for word, pk in ids.items()) + " END"


def _filled(template: str, field: Field, raw: str, cleaned: str) -> str:
    return template.replace("{r}", raw).replace("{k}", cleaned).replace("{length}", str(field.length or 200))
