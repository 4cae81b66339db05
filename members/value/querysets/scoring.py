"""The statements behind value: everybody rated at once, and what other thresholds would make of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from members.value.querysets.payments import LEFT_OUT, PAID_EVENTS, PAID_STRETCHES, PAID_TERMS
from members.value.weights import BIAS, FEATURES, Feature

# ``thresholds`` comes as JSON, so that a preview judges by thresholds nobody has saved.
_RATED = f"""
thresholds AS MATERIALIZED (
  SELECT t.*,
    CASE WHEN recency_by = 'quantile' THEN 1 - recency_value / 100.0 ELSE 0.5 END AS recency_share,
    CASE WHEN frequency_by = 'quantile' THEN frequency_value / 100.0 ELSE 0.5 END AS frequency_share,
    CASE WHEN monetary_by = 'quantile' THEN monetary_value / 100.0 ELSE 0.5 END AS monetary_share
  FROM jsonb_to_recordset(%(thresholds)s::jsonb) AS t (
    id bigint, plan_id bigint, window_days int, recency_by text, recency_value bigint, frequency_by text,
    frequency_value bigint, monetary_by text, monetary_value bigint)
),
base AS MATERIALIZED (
  SELECT l.member_id, l.tier_id, l.last_active_time, l.auto_renewal_flag, z.zone,
    (%(at)s AT TIME ZONE z.zone)::date AS today, date_trunc('month', %(at)s AT TIME ZONE z.zone) AS this_month,
    c.starts_at, c.ends_at, c.price_cents, c.currency,
    coalesce((SELECT id FROM thresholds WHERE plan_id = c.plan_id),
      (SELECT id FROM thresholds WHERE plan_id IS NULL)) AS thresholds_id
  FROM members_memberlifecycle l
  CROSS JOIN LATERAL (SELECT coalesce(nullif(l.time_zone, ''), %(zone)s) AS zone) z
  LEFT JOIN (
    SELECT member_id, plan_id, starts_at,
      coalesce(starts_at + make_interval(secs => booked_seconds), ends_at) AS ends_at,
      price_cents, currency
    FROM members_membershipterm
    WHERE period @> %(at)s::timestamptz
  ) c USING (member_id)
),
paid_events AS MATERIALIZED (
  {PAID_EVENTS}
),
paid_terms AS MATERIALIZED (
  {PAID_TERMS}
),
bought AS MATERIALIZED (
  SELECT b.member_id, b.thresholds_id, count(*) FILTER (WHERE p.cents >= 0) AS frequency,
    sum(p.cents)::bigint AS monetary_cents, max(p.paid_at) FILTER (WHERE p.cents >= 0) AS last_purchase_at,
    b.today - (max(p.paid_at) FILTER (WHERE p.cents >= 0) AT TIME ZONE b.zone)::date AS recency_days
  FROM (
    SELECT member_id, paid_at, cents FROM paid_events UNION ALL SELECT member_id, paid_at, cents FROM paid_terms
  ) p
  JOIN base b USING (member_id) JOIN thresholds t ON t.id = b.thresholds_id
  WHERE t.window_days IS NULL OR p.paid_at > %(at)s::timestamptz - make_interval(days => t.window_days)
  GROUP BY b.member_id, b.thresholds_id, b.today, b.zone
  HAVING count(*) FILTER (WHERE p.cents >= 0) > 0
),
cuts AS MATERIALIZED (
  SELECT t.id, percentile_disc(t.recency_share) WITHIN GROUP (ORDER BY b.recency_days) AS recency_cut,
    percentile_disc(t.frequency_share) WITHIN GROUP (ORDER BY b.frequency) AS frequency_cut,
    percentile_disc(t.monetary_share) WITHIN GROUP (ORDER BY b.monetary_cents) AS monetary_cut
  FROM thresholds t JOIN bought b ON b.thresholds_id = t.id
  GROUP BY t.id, t.recency_share, t.frequency_share, t.monetary_share
),
bits AS (
  SELECT b.*,
    CASE t.recency_by WHEN 'quantile' THEN b.recency_days < c.recency_cut
      ELSE b.recency_days <= t.recency_value END AS is_recent,
    CASE t.frequency_by WHEN 'quantile' THEN b.frequency > c.frequency_cut
      ELSE b.frequency >= t.frequency_value END AS is_frequent,
    CASE t.monetary_by WHEN 'quantile' THEN b.monetary_cents > c.monetary_cut
      ELSE b.monetary_cents >= t.monetary_value END AS is_big
  FROM bought b JOIN thresholds t ON t.id = b.thresholds_id JOIN cuts c ON c.id = t.id
),
rated AS MATERIALIZED (
  SELECT *, 8 - (4 * is_big::int + 2 * is_recent::int + is_frequent::int) AS rfm_group FROM bits
)"""

# Calendar months by the member's clock: the last six whole ones, from her first payment on. What a term cost lies
# evenly over its days, so that a yearly plan does not read as one wild month. Variation needs three months.
_SPENDING = f"""
paid_stretches AS MATERIALIZED (
  {PAID_STRETCHES}
),
firsts AS MATERIALIZED (
  SELECT * FROM (
    SELECT b.member_id, b.zone, b.this_month,
      least(6, 12 * (extract(year FROM b.this_month) - extract(year FROM f.local))
      + extract(month FROM b.this_month) - extract(month FROM f.local))::int AS known
    FROM (
      SELECT member_id, min(at) AS at FROM (
        SELECT member_id, paid_at AS at FROM paid_events UNION ALL SELECT member_id, starts_at FROM paid_terms
      ) p GROUP BY member_id
    ) p
    JOIN base b USING (member_id) CROSS JOIN LATERAL (SELECT p.at AT TIME ZONE b.zone AS local) f
  ) f WHERE known > 0
),
monthly AS (
  SELECT member_id, n, sum(cents) AS cents FROM (
    SELECT f.member_id, (12 * (extract(year FROM f.this_month) - extract(year FROM x.local))
      + extract(month FROM f.this_month) - extract(month FROM x.local))::int AS n, p.cents::float AS cents
    FROM paid_events p JOIN firsts f USING (member_id)
    CROSS JOIN LATERAL (SELECT p.paid_at AT TIME ZONE f.zone AS local) x
    WHERE p.paid_at > %(at)s::timestamptz - interval '8 months'
    UNION ALL
    SELECT f.member_id, n, p.cents * extract(epoch FROM least(p.ends_at, m.until) - greatest(p.starts_at, m.since))
      / extract(epoch FROM p.ends_at - p.starts_at)
    FROM paid_stretches p JOIN firsts f USING (member_id) CROSS JOIN LATERAL generate_series(1, f.known) n
    CROSS JOIN LATERAL (SELECT
      (f.this_month - make_interval(months => n)) AT TIME ZONE f.zone AS since,
      (f.this_month - make_interval(months => n - 1)) AT TIME ZONE f.zone AS until) m
    WHERE p.starts_at < m.until AND p.ends_at > m.since
  ) m GROUP BY member_id, n
),
spending AS MATERIALIZED (
  SELECT s.member_id, s.mean, s.mean / nullif(avg(s.mean) OVER (), 0) AS ratio,
    CASE WHEN s.known >= 3 AND s.mean > 0 THEN sqrt(greatest(s.squares - s.mean * s.mean, 0)) / s.mean END AS variation
  FROM (
    SELECT f.member_id, f.known, coalesce(sum(m.cents), 0) / f.known AS mean,
      coalesce(sum(m.cents * m.cents), 0) / f.known AS squares
    FROM firsts f LEFT JOIN monthly m ON m.member_id = f.member_id AND m.n BETWEEN 1 AND f.known
    GROUP BY f.member_id, f.known
  ) s
)"""

# Days in the last 30 local dates; nothing is known of anybody's while no source reports activity.
_BEHAVIOUR = """
active AS (
  SELECT a.member_id, count(*) AS days FROM members_activeday a JOIN base b USING (member_id)
  WHERE a.local_on > b.today - 30 AND a.local_on <= b.today AND a.local_on > %(at)s::timestamptz::date - 32
  GROUP BY a.member_id
),
referred AS (
  SELECT member_id, count(*) FILTER (WHERE definition_id = %(converted)s)::float
    / nullif(count(*) FILTER (WHERE definition_id = %(invited)s), 0) AS rate
  FROM members_event
  WHERE definition_id IN (%(invited)s, %(converted)s) AND occurred_at <= %(at)s
    AND occurred_at > %(at)s::timestamptz - interval '180 days'
  GROUP BY member_id
),
parts AS (
  SELECT b.member_id, s.mean, s.ratio, s.variation, r.rate,
    CASE WHEN %(activity_since)s::timestamptz IS NOT NULL THEN coalesce(a.days, 0) END AS active_days,
    c.cents AS cost_cents
  FROM base b
  LEFT JOIN spending s USING (member_id) LEFT JOIN active a USING (member_id) LEFT JOIN referred r USING (member_id)
  LEFT JOIN members_tiercost t ON t.tier_id = b.tier_id
  LEFT JOIN members_member m ON m.id = b.member_id AND %(cost_attribute)s <> ''
  CROSS JOIN LATERAL (SELECT coalesce(
    CASE WHEN m.attributes ->> %(cost_attribute)s ~ '^[0-9]{1,9}([.][0-9]{1,9})?$'
      THEN %(minor_power)s * (m.attributes ->> %(cost_attribute)s)::numeric END, t.monthly_cents)::float AS cents) c
),
mature AS (
  SELECT p.*, j.is_mature, round(100 * j.share) AS score FROM parts p
  CROSS JOIN LATERAL (
    SELECT bool_and(v.agrees) AS is_mature,
      avg(CASE WHEN v.share < 0 THEN 0 WHEN v.share > 1 THEN 1 ELSE v.share END) AS share
    FROM (VALUES
      (p.ratio > %(spend_ratio_min)s, p.ratio / %(spend_ratio_min)s),
      (p.active_days >= %(active_days_min)s, p.active_days::float / %(active_days_min)s),
      (p.rate > %(referral_rate_min)s, p.rate / %(referral_rate_min)s),
      (p.variation < %(variation_max)s,
        CASE WHEN p.variation > 0 THEN %(variation_max)s / p.variation WHEN p.variation = 0 THEN 1 END)
    ) v (agrees, share)
  ) j
)"""

# Of members in cover: who is not has nothing left to lose.
_RISK = """
inputs AS (
  SELECT b.member_id,
    extract(epoch FROM %(at)s::timestamptz - f.at) / 2629800 AS tenure_months,
    extract(epoch FROM b.ends_at - b.starts_at) / 2629800 AS contract_months,
    b.auto_renewal_flag::int AS renews_itself,
    m.cents / nullif(avg(m.cents) OVER (PARTITION BY b.currency), 0) AS price_ratio,
    CASE WHEN %(activity_since)s::timestamptz IS NOT NULL
      THEN extract(epoch FROM %(at)s::timestamptz - b.last_active_time) / 86400 END AS idle_days,
    coalesce(x.failures, 0) AS failed_renewals
  FROM base b
  JOIN (
    SELECT member_id, min(starts_at) AS at FROM members_membershipterm WHERE voided_at IS NULL GROUP BY member_id
  ) f USING (member_id)
  LEFT JOIN (
    SELECT member_id, count(*) AS failures FROM members_membersignal
    WHERE kind = 'renewal_failed' AND at <= %(at)s AND at > %(at)s::timestamptz - interval '90 days' GROUP BY member_id
  ) x USING (member_id)
  CROSS JOIN LATERAL (
    SELECT nullif(b.price_cents, 0) / (extract(epoch FROM b.ends_at - b.starts_at) / 2629800) AS cents
  ) m
  WHERE b.starts_at IS NOT NULL
),
risky AS (
  SELECT i.member_id, w.factors, round(100 / (1 + exp(-(w.points)))) AS score
  FROM inputs i CROSS JOIN LATERAL (SELECT {points} AS points, jsonb_build_object({factors}) AS factors) w
)"""

_RFM = (
    "last_purchase_at", "recency_days", "frequency", "monetary_cents", "is_recent", "is_frequent", "is_big",
    "rfm_group", "rfm_as_of",
)  # fmt: skip
_MATURITY = (
    "spend_month_cents", "spend_ratio", "active_days", "referral_rate", "spend_variation", "maturity_score",
    "is_mature", "concentration", "maturity_as_of",
)  # fmt: skip
_AT_RISK = ("risk_score", "risk_factors", "risk_as_of")

# What hangs on a silent feed keeps its last value; a member not scored before has none to keep.
_REFRESH = """
WITH {ctes},
written AS (
  INSERT INTO members_membervalue AS v (member_id, computed_at, {columns})
  SELECT b.member_id, %(at)s, r.last_purchase_at, r.recency_days, r.frequency, r.monetary_cents, r.is_recent,
    r.is_frequent, r.is_big, r.rfm_group, %(at)s,
    round(m.mean), m.ratio, m.active_days, m.rate, m.variation, m.score, m.is_mature,
    m.mean / nullif(m.cost_cents, 0), %(at)s, k.score, k.factors, %(at)s
  FROM base b LEFT JOIN rated r USING (member_id) JOIN mature m USING (member_id) LEFT JOIN risky k USING (member_id)
  ORDER BY b.member_id
  ON CONFLICT (member_id) DO UPDATE SET computed_at = excluded.computed_at, {updates}
  RETURNING new.member_id, old.rfm_group AS from_group, new.rfm_group AS to_group
),
gone AS (
  -- Who was merged into another has no lifecycle row.
  DELETE FROM members_membervalue v
  WHERE NOT EXISTS (SELECT 1 FROM members_memberlifecycle l WHERE l.member_id = v.member_id)
),
moved AS (
  INSERT INTO members_groupchange (member_id, from_group, to_group, at)
  SELECT member_id, from_group, to_group, %(at)s FROM written WHERE from_group IS DISTINCT FROM to_group
  RETURNING 1
)
SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM moved), {left_out}"""

_PREVIEW = f"""
WITH {_RATED}
SELECT v.rfm_group, r.rfm_group, count(*), coalesce(sum(r.monetary_cents), 0)::bigint
FROM rated r FULL JOIN (
  SELECT member_id, v.rfm_group FROM members_membervalue v JOIN members_memberlifecycle USING (member_id)
  WHERE v.rfm_group IS NOT NULL
) v USING (member_id)
GROUP BY 1, 2"""


@dataclass(frozen=True)
class Refreshed:
    """Members scored, those of them who moved to another RFM group, and payments left out for their currency."""

    members: int
    moved: int
    left_out: int


@dataclass(frozen=True)
class Shift:
    """Members who are in one group now and would be in another; None is no group. ``cents`` is what they spent."""

    now: int | None
    then: int | None
    members: int
    cents: int


def refresh(params: Mapping[str, Any], *, silent: frozenset[str]) -> Refreshed:
    """Score every member anew in one statement, keeping what hangs on a feed in ``silent`` (money, activity)."""
    kept = [*_RFM] if "money" in silent else []
    kept += [*_MATURITY] if silent else []
    kept += [*_AT_RISK] if "activity" in silent else []
    columns = (*_RFM, *_MATURITY, *_AT_RISK)
    sql = _REFRESH.format(
        ctes=",".join([_RATED, _SPENDING, _BEHAVIOUR, _RISK.format(points=_points(), factors=_factors())]),
        left_out=LEFT_OUT,
        columns=", ".join(columns),
        updates=", ".join(f"{name} = {'v' if name in kept else 'excluded'}.{name}" for name in columns),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(params))
        return Refreshed(*cursor.fetchone())


def preview(params: Mapping[str, Any]) -> list[Shift]:
    """Where everybody would be by the thresholds in ``params``; nothing is written."""
    with connection.cursor() as cursor:
        cursor.execute(_PREVIEW, dict(params))
        return [Shift(*row) for row in cursor.fetchall()]


def sources_sending(source_ids: Sequence[int], definition_ids: Sequence[int], since: datetime | None) -> list[int]:
    """Those of the sources that ever sent one of these events, since an instant where one is given."""
    sql = """SELECT s.id FROM unnest(%s::bigint[]) s (id) WHERE EXISTS (
      SELECT 1 FROM members_event e WHERE e.source_id = s.id AND e.definition_id = ANY(%s::bigint[])
        AND (%s::timestamptz IS NULL OR e.occurred_at >= %s))"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(source_ids), list(definition_ids), since, since])
        return [pk for (pk,) in cursor.fetchall()]


def as_rows(thresholds: Sequence[Mapping[str, Any]]) -> str:
    """Thresholds as the statements take them."""
    return json.dumps([dict(row) for row in thresholds])


def _points() -> str:
    cases = (_case(feature, [repr(piece.weight) for piece in feature.bins], "0") for feature in FEATURES)
    return f"{BIAS!r}::float + " + " + ".join(cases)


def _factors() -> str:
    return ", ".join(
        f"'{feature.code}', {_case(feature, [repr(piece.code) for piece in feature.bins], 'NULL')}"
        for feature in FEATURES
    )


def _case(feature: Feature, results: Sequence[str], unknown: str) -> str:
    """The result that belongs to the bin an input falls into."""
    tests = [
        f"WHEN i.{feature.input} < {piece.below!r} THEN {result}"
        for piece, result in zip(feature.bins, results, strict=True)
        if piece.below is not None
    ]
    return f"CASE WHEN i.{feature.input} IS NULL THEN {unknown} {' '.join(tests)} ELSE {results[-1]} END"
