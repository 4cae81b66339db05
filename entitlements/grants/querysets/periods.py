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
