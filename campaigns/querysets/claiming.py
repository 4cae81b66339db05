"""Claiming in one statement: take due messages, ask once more whether each may go, and write down what it will say.

Everything that can change between planning and sending is asked here: the trigger, consent, the address, what is
suppressed, whether it is still true. Whoever may not go is settled in the same statement, with the reason. A message
whose day has moved is left for planning to move.
"""

from functools import cache

from campaigns.lifecycle import CLAIM, EXPIRE, SHOW, SUPPRESS, ChannelCode
from campaigns.querysets.exits import EXIT_REASON, ORDER_OF
from campaigns.querysets.moves import may, target
from config.engine.moves import Move
from members.people.querysets.days import last_day_sql

# Rows are judged in stages, the cheap and common facts by keyed joins, asked in the order of the keys: neighbours share
# index pages. ``copies`` maps (version, step, language) to a template version.
_PICKED = """
picked AS MATERIALIZED (
  SELECT i.id, i.member_id, i.campaign_id, i.occurrence, i.step_key, i.version_id, i.expires_at
  FROM campaigns_messageintent i
  WHERE {may_claim} AND i.channel = %(channel)s AND i.due_at <= %(at)s AND i.campaign_id = ANY(%(campaigns)s)
    AND NOT EXISTS (SELECT 1 FROM campaigns_deliverypolicy WHERE is_sending_stopped)
  ORDER BY i.due_at
  LIMIT %(limit)s
  FOR UPDATE SKIP LOCKED
)"""

# One message looked at and left alone.
_LOOKED_AT = """
picked AS MATERIALIZED (
  SELECT i.id, i.member_id, i.campaign_id, i.occurrence, i.step_key, i.version_id, i.expires_at
  FROM campaigns_messageintent i WHERE i.id = %(intent)s
)"""

_STAGES = """
WITH copies AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(copies)s::jsonb)
    AS (version_id bigint, step_key text, language text, template_version_id bigint)
),
{picked},
known AS MATERIALIZED (
  SELECT p.*, m.id IS NULL AS is_gone, m.display_name, a.value AS address, c.is_enabled, t.tier_id, t.plan_id,
    t.kind = 'paid' AS is_paid, s.expiration_time AS ends_at, z.zone,
    CASE WHEN t.kind <> 'paid' THEN (
      SELECT h.held_until FROM members_hold(p.member_id, s.expiration_time, z.zone, %(grace_days)s) h
    ) END AS held_until,
    coalesce(h.is_granted, c.default_consent) AS may_contact,
    {exit_reason} AS exit_reason,
    coalesce((
      SELECT l FROM unnest(%(languages)s::text[]) l
      WHERE split_part(l, '-', 1) = split_part(replace(lower(m.language), '_', '-'), '-', 1) LIMIT 1
    ), %(language)s) AS language,
    e.anchor_at IS DISTINCT FROM s.expiration_time OR e.time_zone <> z.zone AS is_moved,
    {last_day} AS ends_on,
    (%(at)s::timestamptz AT TIME ZONE z.zone)::date AS today
  FROM (SELECT * FROM picked ORDER BY member_id) p
  JOIN campaigns_channel c ON c.code = %(channel)s
  LEFT JOIN members_member m ON m.id = p.member_id AND m.merged_into_id IS NULL
  LEFT JOIN members_memberlifecycle s ON s.member_id = p.member_id
  LEFT JOIN campaigns_enrollment e
    ON e.member_id = p.member_id AND e.campaign_id = p.campaign_id AND e.occurrence = p.occurrence
  LEFT JOIN {order_of}
  LEFT JOIN members_membershipterm t ON t.member_id = p.member_id AND t.given_until = s.expiration_time
  LEFT JOIN members_consent h ON h.member_id = p.member_id AND h.channel = %(channel)s
  LEFT JOIN members_identity a ON a.member_id = p.member_id AND a.kind = %(address_kind)s AND NOT a.is_former
  CROSS JOIN LATERAL (SELECT coalesce(nullif(s.time_zone, ''), %(zone)s) AS zone OFFSET 0) z
),
decided AS MATERIALIZED (
  SELECT k.*, q.template_version_id, CASE
    WHEN k.expires_at <= %(at)s THEN 'too_late'
    WHEN k.is_gone THEN 'member_gone'
    WHEN k.exit_reason <> '' THEN k.exit_reason
    {moved}
    WHEN NOT k.is_enabled THEN 'channel_off'
    WHEN NOT k.may_contact THEN 'no_consent'
    WHEN %(address_kind)s <> '' AND k.address IS NULL THEN 'no_address'
    WHEN %(address_kind)s <> '' AND k.address !~ %(address_form)s THEN 'invalid_address'
    WHEN EXISTS (SELECT 1 FROM campaigns_suppression x
      WHERE x.channel = %(channel)s AND x.address = k.address AND x.lifted_at IS NULL) THEN 'address_suppressed'
    WHEN q.template_version_id IS NULL THEN 'no_template'
    ELSE '' END AS reason
  FROM known k
  LEFT JOIN copies q ON q.version_id = k.version_id AND q.step_key = k.step_key AND q.language = k.language
),
judged AS MATERIALIZED (
  SELECT j.id, j.reason, j.address, j.template_version_id, jsonb_build_object(
    'brand', %(brands)s::jsonb ->> j.language,
    'member', jsonb_build_object('name', j.display_name),
    'term', jsonb_build_object(
      'ends_on', {ends_on}, 'days_left', j.ends_on - j.today, 'tier', {tier_name}, 'plan', {plan_name}),
    'grace', jsonb_build_object(
      'days', {grace_days}, 'until', {grace_until}, 'days_left', j.ends_on + ({grace_days}) - j.today)
  ) AS context
  FROM decided j
  LEFT JOIN members_tier r ON r.id = j.tier_id
  LEFT JOIN members_plan n ON n.id = j.plan_id
  WHERE j.reason <> 'moved'
)"""

# Since it was planned the end or the zone has moved: it waits, untouched, until planning has moved it too.
_MOVED = "WHEN k.is_moved THEN 'moved'"

# As the plan says, else its tier, else the lifecycle policy; behind a last link that was not paid as the chain says.
_GRACE_DAYS = """CASE WHEN j.is_paid THEN coalesce(n.grace_days, r.grace_days, %(grace_days)s) ELSE
        coalesce((j.held_until AT TIME ZONE j.zone)::date - (j.ends_at AT TIME ZONE j.zone)::date, 0) END"""

_WRITES = """,
moved AS (
  UPDATE campaigns_messageintent i SET
    status = CASE j.reason WHEN '' THEN {claimed} WHEN 'too_late' THEN {expired} ELSE {suppressed} END,
    reason = j.reason,
    claimed_by = CASE WHEN j.reason = '' AND %(is_leased)s THEN %(worker)s ELSE '' END,
    lease_until = CASE WHEN j.reason = '' AND %(is_leased)s THEN %(lease_until)s::timestamptz END,
    finished_at = CASE WHEN j.reason = '' AND %(is_leased)s THEN NULL ELSE %(at)s::timestamptz END,
    template_version_id = j.template_version_id
  FROM judged j WHERE i.id = j.id
  RETURNING i.id
),
written AS (
  INSERT INTO campaigns_messagecontent (intent_id, context, written_at)
  SELECT id, context, %(at)s FROM judged WHERE reason = ''
  ON CONFLICT (intent_id) DO UPDATE SET context = excluded.context, written_at = excluded.written_at
),
noted AS (
  INSERT INTO campaigns_decision (intent_id, at, move, reason, facts)
  SELECT id, %(at)s, CASE reason WHEN 'too_late' THEN 'expire' ELSE 'suppress' END, reason, '{{}}'
  FROM judged WHERE reason <> ''
)
{result}
"""

_COUNT = "SELECT count(*), count(*) FILTER (WHERE reason = '') FROM judged"
_ROWS = (
    """SELECT id, address, CASE WHEN reason = '' THEN template_version_id END, context::text FROM judged ORDER BY id"""
)


def _day(value: str) -> str:
    """A date as people write it in the message's language."""
    return (
        f'CASE j.language WHEN \'zh-hans\' THEN to_char({value}, \'FMYYYY"年"FMMM"月"FMDD"日"\') '
        f"WHEN 'en' THEN to_char({value}, 'FMDD FMMonth YYYY') ELSE ({value})::text END"
    )


def _name(alias: str) -> str:
    return (
        f"coalesce(CASE j.language WHEN 'zh-hans' THEN coalesce(nullif({alias}.name_zh, ''), {alias}.name) "
        f"ELSE {alias}.name END, '')"
    )


def _stages(picked: str, *, moved: str = "") -> str:
    return _STAGES.format(
        picked=picked,
        moved=moved,
        exit_reason=EXIT_REASON,
        order_of=ORDER_OF,
        last_day=last_day_sql("s.expiration_time", "z.zone"),
        ends_on=_day("j.ends_on"),
        grace_days=_GRACE_DAYS,
        grace_until=_day(f"(j.ends_on + ({_GRACE_DAYS}))"),
        tier_name=_name("r"),
        plan_name=_name("n"),
    )


def _sql(move: Move, result: str) -> str:
    writes = _WRITES.format(claimed=target(move), expired=target(EXPIRE), suppressed=target(SUPPRESS), result=result)
    return _stages(_PICKED.format(may_claim=may(move, "i")), moved=_MOVED) + writes


@cache
def claim_sql(channel: str) -> str:
    """Claims for a worker; returns (id, address, template version, facts) per row, NULLs for those settled at once.

    An in-app message is shown by the same statement, which then returns one row (judged, shown).
    """
    return _sql(SHOW, _COUNT) if channel == ChannelCode.IN_APP else _sql(CLAIM, _ROWS)


@cache
def look_sql() -> str:
    """What a claim would say of the message ``intent`` now: (reason, template version, facts). Writes nothing."""
    return _stages(_LOOKED_AT) + "SELECT reason, template_version_id, context::text FROM judged"
