-- Who spent and did enough in the year, with what was counted, and a log row for each tier given.
WITH spent AS (
  SELECT member_id, sum(price_cents - refunded_cents) AS spend FROM members_membershipterm
  WHERE kind = 'paid' AND origin_id IS NULL AND refunded_at IS NULL AND voided_at IS NULL
    AND least(starts_at, booked_at) >= %(since)s AND least(starts_at, booked_at) <= %(at)s
  GROUP BY member_id
),
days AS (
  SELECT member_id, count(*) AS days FROM members_activeday
  WHERE local_on >= %(since)s::date AND first_at <= %(at)s GROUP BY member_id
),
placed AS (
  INSERT INTO bench_tier
  SELECT l.member_id, CASE WHEN s.spend >= 50000 AND d.days >= 10 THEN 2 WHEN s.spend >= 6000 AND d.days >= 3 THEN 1 END,
    coalesce(s.spend, 0), coalesce(d.days, 0)
  FROM members_memberlifecycle l LEFT JOIN spent s USING (member_id) LEFT JOIN days d USING (member_id)
  RETURNING member_id, tier_id
)
INSERT INTO bench_tierlog SELECT member_id, tier_id, %(at)s FROM placed WHERE tier_id IS NOT NULL
