-- The bare side of everybody's usage rate: one pass over the balances, one UPDATE.
UPDATE members_memberlifecycle l SET usage_rate = r.rate
FROM (
  SELECT b.member_id, avg(b.used::float8 / b.granted) AS rate
  FROM entitlements_balance b WHERE b.is_open AND b.granted > 0 GROUP BY b.member_id
) r
WHERE l.member_id = r.member_id
