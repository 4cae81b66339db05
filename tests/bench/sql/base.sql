-- The base every benchmark works on: the members asked for with terms, signals and active days around one instant.
-- For benchmarks only, so rows are generated here instead of being told through the operations; no state is written,
-- the engine's first sweep places everybody. Deterministic: one seed, no parallel plan.
SET max_parallel_workers_per_gather = 0;
SET synchronous_commit = off;
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
-- Foreign keys hold by construction; the guard has no state to guard yet.
SET session_replication_role = replica;
SELECT setseed(0.42);

-- Filling first and indexing afterwards takes a fifth of the time.
CREATE TEMP TABLE filled AS SELECT t::regclass AS id FROM unnest(ARRAY['members_member', 'members_identity',
  'members_memberlifecycle', 'members_membershipterm', 'members_membersignal', 'members_activeday']) AS t;
CREATE TEMP TABLE dropped AS
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname) AS undo,
  format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS redo
FROM pg_constraint WHERE conrelid IN (SELECT id FROM filled) AND contype IN ('x', 'u')
UNION ALL
SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index i WHERE indrelid IN (SELECT id FROM filled) AND NOT indisprimary
  AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('x', 'u'));
DO $$ DECLARE d record; BEGIN FOR d IN SELECT undo FROM dropped LOOP EXECUTE d.undo; END LOOP; END $$;

INSERT INTO members_tier (id, code, name, name_zh, position) VALUES
  (1, 'gold', 'Gold', '黄金会员', 1), (2, 'black', 'Black', '黑金会员', 2);
INSERT INTO members_plan (id, code, name, name_zh, tier_id, duration_unit, duration_count, price_cents, currency,
                          trial_days, is_sold) VALUES
  (1, 'gold-month', 'Gold month', '黄金月卡', 1, 'month', 1, 3000, 'CNY', 7, true),
  (2, 'black-year', 'Black year', '黑金年卡', 2, 'year', 1, 59800, 'CNY', 0, true);
INSERT INTO members_source (id, code, name, is_activity_source, connected_at, last_event_at) VALUES
  (1, 'app', 'App', true, %(at)s::timestamptz - interval '90 days', %(at)s);
-- Of events the base knows its own alone.
DELETE FROM members_eventdefinition;
INSERT INTO members_eventdefinition (id, name, label, label_zh, is_activity) VALUES (1, 'opened', 'Opened', '打开', true);

CREATE TEMP TABLE seed AS
SELECT i, kind, is_yearly, is_auto,
  CASE kind
    WHEN 'trial' THEN %(at)s::timestamptz - r3 * interval '7 days'
    WHEN 'cover' THEN %(at)s::timestamptz - r3 * CASE WHEN is_yearly THEN interval '365 days' ELSE interval '30 days' END
    WHEN 'lapsed' THEN %(at)s::timestamptz - interval '30 days' - r3 * interval '29 days'
    WHEN 'gone' THEN %(at)s::timestamptz - interval '63 days' - r3 * interval '300 days'
  END AS starts_at,
  CASE WHEN kind IN ('cover', 'lapsed') AND r4 < 0.6 THEN 1 + floor(r4 * 20)::int ELSE 0 END AS months_before,
  CASE WHEN r5 < 0.2 THEN 0.35 WHEN r5 < 0.8 THEN 0.16 ELSE 0.03 END AS daily
FROM (
  SELECT i, CASE WHEN r1 < 0.12 THEN 'prospect' WHEN r1 < 0.17 THEN 'trial' WHEN r1 < 0.77 THEN 'cover'
                 WHEN r1 < 0.87 THEN 'lapsed' ELSE 'gone' END AS kind,
    r2 < 0.15 AS is_yearly, r6 < 0.2 AS is_auto, r3, r4, r5
  FROM (
    SELECT i, random() AS r1, random() AS r2, random() AS r3, random() AS r4, random() AS r5, random() AS r6
    FROM generate_series(1, %(n)s) AS i OFFSET 0
  ) r
) k;

INSERT INTO members_member (id, display_name, language, gender, city, channel, registered_at, attributes, is_demo,
                            created_at, updated_at)
SELECT i, 'Member ' || i, CASE WHEN i %% 3 = 0 THEN 'en' ELSE 'zh-hans' END, '',
  (ARRAY['Shanghai', 'Beijing', 'Chengdu', 'Shenzhen', 'Hangzhou'])[1 + i %% 5], (ARRAY['web', 'app', 'store'])[1 + i %% 3],
  least(%(at)s::timestamptz - interval '400 days' * random(), starts_at), '{}', false, %(at)s, %(at)s
FROM seed;
INSERT INTO members_identity (member_id, kind, value, created_at)
SELECT i, 'external_id', 'b' || i, %(at)s FROM seed
UNION ALL SELECT i, 'email', 'b' || i || '@example.com', %(at)s FROM seed;
-- A chain of earlier months as one term, then the last one; a trial alone.
INSERT INTO members_membershipterm (member_id, plan_id, tier_id, kind, starts_at, ends_at, close_reason, price_cents, currency,
                                    external_ref, anchor_on, anchor_months, booked_at)
SELECT i, 1, 1, 'paid', starts_at - months_before * interval '30 days', starts_at, '', 3000 * months_before, 'CNY', 'p' || i,
  (starts_at - months_before * interval '30 days')::date, months_before, starts_at - months_before * interval '30 days'
FROM seed WHERE months_before > 0
UNION ALL
SELECT i, CASE WHEN is_yearly THEN 2 ELSE 1 END, CASE WHEN is_yearly THEN 2 ELSE 1 END,
  CASE kind WHEN 'trial' THEN 'trial' ELSE 'paid' END, starts_at,
  starts_at + CASE WHEN kind = 'trial' THEN interval '7 days' WHEN kind = 'cover' AND is_yearly THEN interval '365 days'
                   ELSE interval '30 days' END,
  '', CASE WHEN kind = 'trial' THEN 0 WHEN is_yearly THEN 59800 ELSE 3000 END, 'CNY', 'c' || i, starts_at::date, 1, starts_at
FROM seed WHERE kind <> 'prospect';
INSERT INTO members_membersignal (member_id, kind, at)
SELECT i, 'auto_renewal_on', starts_at FROM seed WHERE kind = 'cover' AND is_auto;

INSERT INTO members_activeday (member_id, local_on, first_at)
SELECT i, ((%(at)s::timestamptz - d * interval '1 day') AT TIME ZONE 'Asia/Shanghai')::date,
  %(at)s::timestamptz - d * interval '1 day'
FROM (SELECT i, d, daily, random() AS chance FROM seed CROSS JOIN generate_series(0, 59) AS d
      WHERE kind IN ('cover', 'trial') OFFSET 0) c
WHERE chance < daily;
INSERT INTO members_memberlifecycle (member_id, membership_status, auto_renewal_flag, time_zone, known_since, last_active_time,
                                     next_due_at)
SELECT i, 'none', false, '', %(at)s::timestamptz - interval '400 days', a.last_at, %(at)s
FROM seed LEFT JOIN (SELECT member_id, max(first_at) AS last_at FROM members_activeday GROUP BY member_id) a ON a.member_id = i
ORDER BY i;
DROP TABLE seed;

DO $$ DECLARE d record; BEGIN FOR d IN SELECT redo FROM dropped LOOP EXECUTE d.redo; END LOOP; END $$;
DROP TABLE filled, dropped;
SELECT setval(pg_get_serial_sequence('members_tier', 'id'), 10), setval(pg_get_serial_sequence('members_plan', 'id'), 10),
  setval(pg_get_serial_sequence('members_source', 'id'), 10), setval(pg_get_serial_sequence('members_eventdefinition', 'id'), 10),
  setval(pg_get_serial_sequence('members_member', 'id'), %(n)s);
RESET ALL;
