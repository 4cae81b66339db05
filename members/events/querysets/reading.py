"""A request body read in SQL: one row per message with what it says, or the reason why it is refused.

Nothing here writes. A message of any shape gives a row and never an error, as long as the body as a whole is JSON that
``jsonb`` can hold; see ``members.events.repair`` for a body that it cannot.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from config.engine.money import known_currencies_sql, minor_power_sql, project_currency
from members.events.querysets.keys import OPENED, OpenedKey

# Segment's own limits: 500 KB and 2,500 messages a request, 32 KB a message.
MAX_MESSAGES = 2_500
MAX_MESSAGE_BYTES = 32 << 10
MAX_DEPTH = 32
MAX_TRAITS = 100
MAX_IDENTITY = 200
MAX_NAME = 120
# Every month of events is a partition, so what lies far off is a mistake and not a fact.
PAST_DAYS = 3_650
AHEAD_DAYS = 31

# A number beyond these prints thousands of digits, which nobody who reads it back could hold.
_ODD_NUMBER = "strict $.** ? (@ <> 0) ? (@.abs() > 1e300 || @.abs() < 1e-300)"
_SHAPE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?$"
# Of that shape as programs write it, known at a glance.
_USUAL = [f"____-__-__T__:__:__{part}{zone}" for part in ("", ".___", ".______") for zone in ("Z", "+__:__", "-__:__")]
_USUAL_CHARACTERS = "^[0-9T:.Z+-]+$"
# An amount without a currency is one of the project's own; one in a currency nobody knows is no amount.
_POWER = minor_power_sql(f"coalesce(nullif(j.currency, ''), '{project_currency()}')")
_KNOWN = known_currencies_sql()
_MONEY = r"^-?\d{1,12}(\.\d{1,6})?$"


def _instant(text: str) -> str:
    """SQL for the instant a text is; NULL for anything but ISO 8601. The cheaper of two looks comes first."""
    usual = f"{text} LIKE ANY ('{{{','.join(_USUAL)}}}') AND {text} ~ '{_USUAL_CHARACTERS}'"
    return (
        f"CASE WHEN ({usual} OR {text} ~ '{_SHAPE}') AND pg_input_is_valid({text}, 'timestamptz') "
        f"THEN {text}::timestamptz END"
    )


def normal(text: str) -> str:
    """SQL for ``normalise_identity`` of an identity that is neither a phone nor an address; NULL when empty."""
    plain = f"CASE WHEN octet_length({text}) = length({text}) THEN {text} ELSE normalize({text}, NFKC) END"
    return f"nullif(btrim({plain}, E' \\t\\r\\n'), '')"


def _scalar(path: str) -> str:
    return f"CASE WHEN jsonb_typeof({path}) IN ('string', 'number') THEN {path} #>> '{{}}' END"


# Layers end in OFFSET 0: what one of them has made sure of must not be evaluated before.
_READ = f"""
document AS MATERIALIZED (
  SELECT b.doc, {_instant("(b.doc ->> 'sentAt')")} AS sent_at FROM (
    SELECT %(body)s::text::jsonb AS doc FROM sender OFFSET 0) b
),
items AS (
  SELECT e.n - 1 AS n, e.m, d.sent_at FROM document d CROSS JOIN jsonb_array_elements(
    CASE WHEN %(kind)s <> 'batch' THEN jsonb_build_array(d.doc)
         WHEN jsonb_typeof(d.doc -> 'batch') = 'array' THEN d.doc -> 'batch' END
  ) WITH ORDINALITY AS e (m, n)
),
shaped AS (
  SELECT i.n, i.sent_at, i.m, CASE
    WHEN jsonb_typeof(i.m) <> 'object' THEN 'not_an_object'
    WHEN i.m @? 'strict $.**{{{MAX_DEPTH + 1}}}' THEN 'too_deep'
    WHEN i.m @? '{_ODD_NUMBER}' THEN 'number_out_of_range'
    WHEN pg_column_size(i.m) > {MAX_MESSAGE_BYTES // 4} AND octet_length(i.m::text) > {MAX_MESSAGE_BYTES}
      THEN 'too_large'
  END AS fault
  FROM items i OFFSET 0
),
-- What is looked at more than once is taken out of the message once.
fields AS (
  SELECT s.n, s.fault, s.m, s.sent_at, s.m -> 'userId' AS user_id, s.m -> 'anonymousId' AS anonymous_id,
    s.m -> 'messageId' AS message, s.m -> 'event' AS event,
    CASE WHEN s.fault IS NULL THEN CASE WHEN %(kind)s = 'batch' THEN s.m ->> 'type' ELSE %(kind)s END END AS type
  FROM shaped s OFFSET 0
),
parts AS (
  SELECT f.n, f.fault, f.m, f.type, f.type IN ('identify', 'alias') AS is_identify, {_scalar("f.user_id")} AS user_text,
    CASE WHEN f.type = 'alias' THEN f.m -> 'previousId' ELSE f.anonymous_id END AS visitor,
    CASE WHEN f.type = 'alias' THEN {_scalar("f.m -> 'previousId'")} ELSE {_scalar("f.anonymous_id")} END
      AS anonymous_text,
    {_scalar("f.message")} AS message, f.m ->> 'timestamp' AS stamp,
    f.sent_at AS batch_sent_at, f.m ->> 'sentAt' AS sent,
    CASE WHEN f.type <> 'track' THEN f.type WHEN jsonb_typeof(f.event) = 'string' THEN btrim(f.event #>> '{{}}') END
      AS name,
    CASE WHEN f.type = 'alias' THEN '{{}}' ELSE
      coalesce(nullif(f.m -> CASE WHEN f.type = 'identify' THEN 'traits' ELSE 'properties' END, 'null'), '{{}}')
    END AS said
  FROM fields f OFFSET 0
),
timed AS (
  SELECT p.*, {normal("p.user_text")} AS user_value, {normal("p.anonymous_text")} AS anonymous_value,
    {_instant("p.stamp")} AS stated_at, coalesce({_instant("p.sent")}, p.batch_sent_at) AS sent_at,
    coalesce(p.message, 'content-' || md5(
      p.m::text || CASE WHEN p.stamp IS NULL THEN (%(at)s::timestamptz)::date::text ELSE '' END)) AS message_id
  FROM parts p OFFSET 0
),
placed AS (
  SELECT t.*, CASE
    WHEN t.stamp IS NULL THEN %(at)s::timestamptz
    WHEN abs(extract(epoch FROM t.stated_at - %(at)s::timestamptz)) > 4e9 THEN 'infinity'::timestamptz
    WHEN abs(extract(epoch FROM t.sent_at - %(at)s::timestamptz)) < 4e9
      THEN t.stated_at + (%(at)s::timestamptz - t.sent_at)
    ELSE t.stated_at END AS occurred_at
  FROM timed t OFFSET 0
),
judged AS (
  SELECT p.*, CASE
    WHEN p.fault IS NOT NULL THEN p.fault
    WHEN p.type IS NULL OR p.type NOT IN ('identify', 'track', 'page', 'screen', 'alias') THEN 'unsupported_type'
    WHEN NOT CASE WHEN p.is_identify THEN (SELECT 'profiles' = ANY(scopes) FROM sender)
      ELSE (SELECT 'events' = ANY(scopes) FROM sender) END THEN 'not_allowed'
    WHEN jsonb_typeof(p.said) <> 'object' THEN CASE WHEN p.is_identify THEN 'traits' ELSE 'properties' END
    WHEN p.is_identify AND (SELECT count(*) FROM jsonb_object_keys(p.said)) > {MAX_TRAITS} THEN 'too_many_traits'
    WHEN p.user_text IS NULL AND coalesce(p.m -> 'userId', 'null') <> 'null'
      OR p.anonymous_text IS NULL AND coalesce(p.visitor, 'null') <> 'null'
      OR length(p.user_value) > {MAX_IDENTITY} OR length(p.anonymous_value) > {MAX_IDENTITY} THEN 'identity'
    WHEN CASE WHEN p.type = 'alias' THEN p.user_value IS NULL OR p.anonymous_value IS NULL
      ELSE p.user_value IS NULL AND p.anonymous_value IS NULL END THEN 'no_identity'
    WHEN coalesce(length(p.name) NOT BETWEEN 1 AND {MAX_NAME}, true) THEN 'event'
    WHEN p.message IS NULL AND coalesce(p.m -> 'messageId', 'null') <> 'null'
      OR length(p.message) NOT BETWEEN 1 AND {MAX_NAME} THEN 'message_id'
    WHEN p.occurred_at IS NULL THEN 'timestamp'
    WHEN p.occurred_at NOT BETWEEN %(at)s::timestamptz - interval '{PAST_DAYS} days'
      AND %(at)s::timestamptz + interval '{AHEAD_DAYS} days' THEN 'timestamp_out_of_range'
  END AS reason
  FROM placed p OFFSET 0
)"""

# Every message with the member it is about, NULL for those to be created or parked, and the good ones among them.
# Identities are looked up one by one, because the planner takes a join for a few rows and would read every visitor for
# each; and what is good is a column, because it would take "no reason" for next to none.
_RESOLVED = f"""{_READ},
told AS MATERIALIZED (
  SELECT j.n, j.type, j.is_good, j.reason, j.is_identify, j.user_value, j.anonymous_value, j.message_id, j.occurred_at,
    j.name, j.by_user, j.by_anonymous,
    CASE WHEN j.user_value IS NULL THEN j.by_anonymous ELSE j.by_user END AS member_id,
    CASE WHEN NOT j.is_identify AND (j.said ->> 'revenue') ~ '{_MONEY}'
      AND (j.currency <> '' OR coalesce(j.said ->> 'currency', '') = '')
      THEN round((j.said ->> 'revenue')::numeric * {_POWER})::bigint END AS value_cents,
    j.currency,
    CASE WHEN j.is_good AND j.type IN ('page', 'screen') THEN jsonb_strip_nulls(jsonb_build_object(
      'name', j.m -> 'name', 'category', j.m -> 'category')) || j.said ELSE j.said END AS payload
  FROM (
    SELECT j.*, j.reason IS NULL AS is_good,
      CASE WHEN upper(j.said ->> 'currency') IN {_KNOWN} THEN upper(j.said ->> 'currency') ELSE '' END AS currency,
      (SELECT i.member_id FROM members_identity i WHERE i.kind = 'external_id' AND i.value = j.user_value) AS by_user,
      -- The former id of an alias may be a visitor's or a member's.
      coalesce(
        (SELECT i.member_id FROM members_identity i WHERE i.kind = 'anonymous_id' AND i.value = j.anonymous_value),
        CASE WHEN j.type = 'alias' THEN (
          SELECT i.member_id FROM members_identity i WHERE i.kind = 'external_id' AND i.value = j.anonymous_value) END
      ) AS by_anonymous
    FROM judged j OFFSET 0
  ) j
),
good AS NOT MATERIALIZED (SELECT * FROM told WHERE is_good)"""

# The first statement about a body looks up who sends it: without a valid key nothing of it is read, as it comes as text
# and not as jsonb. The others know.
OPENED_AND_RESOLVED = f"""sender AS MATERIALIZED ({OPENED}),
{_RESOLVED}"""
RESOLVED = f"""sender AS MATERIALIZED (SELECT %(source)s::bigint AS source_id, %(scopes)s::varchar[] AS scopes),
{_RESOLVED}"""

# What there is to do about a body beside storing its events: one row.
SUMMARY = """
SELECT
  %(kind)s <> 'batch' OR (
    SELECT jsonb_typeof(doc) = 'object' AND jsonb_typeof(doc -> 'batch') = 'array' FROM document) AS is_well_formed,
  count(*) AS messages,
  coalesce(jsonb_agg(jsonb_build_object('index', n, 'reason', reason) ORDER BY n) FILTER (WHERE NOT is_good), '[]')
    AS rejected,
  count(*) FILTER (WHERE is_good AND user_value IS NOT NULL AND by_user IS NULL) AS unknown_users,
  count(*) FILTER (WHERE is_good AND user_value IS NULL AND by_anonymous IS NULL) AS unknown_visitors,
  count(*) FILTER (WHERE is_good AND user_value IS NOT NULL AND anonymous_value IS NOT NULL AND by_anonymous IS NULL)
    AS unlinked,
  count(*) FILTER (WHERE is_good AND by_user <> by_anonymous) AS shared,
  count(*) FILTER (WHERE is_good AND is_identify) AS profiles,
  max(occurred_at) FILTER (WHERE is_good AND NOT is_identify) AS last_at
FROM told"""

_MONTHS = f"""
WITH {OPENED_AND_RESOLVED}
SELECT DISTINCT date_trunc('month', occurred_at, 'UTC')::date FROM good WHERE NOT is_identify ORDER BY 1"""


@dataclass(frozen=True)
class Summary:
    """A body read, and its events stored as far as their members and months were there.

    ``key`` sent it. ``stored`` of ``offered`` events were new; the rest says how big the body is, what was refused, how
    many messages name whom we do not know or two members at once, what is new about ``properties``, whether the
    source's last word is to be noted, and whether anything was stored at all.
    """

    key: OpenedKey
    stored: int
    offered: int
    properties: str | None
    is_well_formed: bool
    messages: int
    rejected: list[dict[str, Any]]
    unknown_users: int
    unknown_visitors: int
    unlinked: int
    shared: int
    profiles: int
    last_at: datetime | None
    is_news: bool
    is_stored: bool


def months(params: dict[str, Any]) -> list[date]:
    """The first days of the months in which a body's events occurred."""
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, params)
        return [month for (month,) in cursor.fetchall()]


def unreadable(texts: list[str]) -> set[int]:
    """The positions of the texts that ``jsonb`` cannot hold; none of them may be too deep for PostgreSQL's stack."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.n - 1 FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, n) "
            "WHERE NOT pg_input_is_valid(t.text, 'jsonb')",
            [texts],
        )
        return {n for (n,) in cursor.fetchall()}
