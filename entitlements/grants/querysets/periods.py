"""Usage periods in the database: what the settling statements call, held to ``rules.usage_period`` by a test."""

PERIOD_FUNCTION = """
CREATE OR REPLACE FUNCTION entitlements_period(
  unit text, by_calendar boolean, zone text, anchor timestamptz, at timestamptz
) RETURNS tstzrange LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  here timestamp := at AT TIME ZONE zone;
  since timestamp;
  months int := CASE unit WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 WHEN 'year' THEN 12 ELSE 0 END;
  days int := CASE unit WHEN 'day' THEN 1 WHEN 'week' THEN 7 ELSE 0 END;
  step interval := make_interval(months => months, days => days);
  n int;
BEGIN
  IF unit = 'never' THEN RETURN tstzrange('1970-01-01 00:00:00+00', NULL); END IF;
  IF unit = 'term' THEN RETURN tstzrange(anchor, NULL); END IF;
  IF by_calendar THEN
    since := date_trunc(unit, here);
    RETURN tstzrange(since AT TIME ZONE zone, (since + step) AT TIME ZONE zone);
  END IF;
  since := anchor AT TIME ZONE zone;
  IF days > 0 THEN
    n := floor(extract(epoch FROM here - since) / (86400 * days));
  ELSE
    n := floor(((extract(year FROM here) - extract(year FROM since)) * 12
      + extract(month FROM here) - extract(month FROM since)) / months);
    IF since + n * step > here THEN n := n - 1; END IF;
  END IF;
  RETURN tstzrange((since + n * step) AT TIME ZONE zone, (since + (n + 1) * step) AT TIME ZONE zone);
END $$"""

# The months between two beginnings of periods counted from one day are whole; a shift of the clock is less than a day.
PERIODS_FUNCTION = """
CREATE OR REPLACE FUNCTION entitlements_periods(
  unit text, zone text, start timestamptz, later timestamptz
) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN unit IN ('day', 'week') THEN round(
      extract(epoch FROM (later AT TIME ZONE zone) - (start AT TIME ZONE zone))
      / (86400 * CASE unit WHEN 'day' THEN 1 ELSE 7 END)
    )::bigint
    ELSE div((extract(year FROM later AT TIME ZONE zone) - extract(year FROM start AT TIME ZONE zone)) * 12
      + extract(month FROM later AT TIME ZONE zone) - extract(month FROM start AT TIME ZONE zone),
      CASE unit WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END)::bigint END
$$"""

# A membership goes on while cover or the grace behind its chain does, and as long as the usage period goes on in which
# it ended. Cover in the order of its start; ``days`` are those of the grace of what was paid, -1 of gifts, compensation
# and what was lent, -2 of what was taken back, -3 of trials. The chain is that of ``members.terms.rules.hold_of``.
ANCHOR_FUNCTION = """
CREATE OR REPLACE FUNCTION entitlements_anchor(
  starts timestamptz[], ends timestamptz[], days integer[], unit text, zone text
) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  first timestamptz := starts[1];
  until timestamptz := starts[1];
  reach timestamptz;
  held timestamptz;
  grace integer := 0;
BEGIN
  FOR n IN 1 .. coalesce(cardinality(starts), 0) LOOP
    IF starts[n] > until
      AND starts[n] >= upper(entitlements_period(unit, false, zone, first, until - interval '1 microsecond'))
    THEN first := starts[n]; END IF;
    IF days[n] = -2 THEN
      reach := CASE WHEN starts[n] <= reach THEN greatest(reach, ends[n]) ELSE reach END;
    ELSIF days[n] > -2 THEN
      IF reach IS NULL OR starts[n] > greatest(reach, held) THEN
        grace := 0;
      END IF;
      grace := CASE WHEN days[n] >= 0 THEN days[n] ELSE grace END;
      reach := greatest(reach, ends[n]);
      held := (ends[n] AT TIME ZONE zone + make_interval(days => grace)) AT TIME ZONE zone;
    END IF;
    until := greatest(until, ends[n], held);
  END LOOP;
  RETURN first;
END $$"""
