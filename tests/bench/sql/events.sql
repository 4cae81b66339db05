-- Ten events a member over ninety days before one instant, on top of the base; a few members do most of it. Deterministic.
SET max_parallel_workers_per_gather = 0;
SET synchronous_commit = off;
SET work_mem = '256MB';
SET maintenance_work_mem = '512MB';
SET session_replication_role = replica;
SELECT setseed(0.42);
-- Filling first and indexing afterwards; the primary key stays.
CREATE TEMP TABLE dropped AS
SELECT format('DROP INDEX %%s', indexrelid::regclass) AS undo, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS redo
FROM pg_index WHERE indrelid = 'members_event'::regclass AND NOT indisprimary;
DO $$ DECLARE d record; BEGIN FOR d IN SELECT undo FROM dropped LOOP EXECUTE d.undo; END LOOP; END $$;

INSERT INTO members_eventdefinition (id, name, label, label_zh, is_activity) VALUES
  (2, 'viewed', 'Viewed', '浏览', true), (3, 'exported', 'Exported', '导出', true), (4, 'claimed', 'Claimed', '领取', true),
  (5, 'paid', 'Paid', '支付', true);
INSERT INTO members_event (occurred_at, received_at, member_id, definition_id, source_id, message_id, value_cents, properties)
SELECT occurred_at, occurred_at, member_id, definition_id, 1, 'e' || i, CASE definition_id WHEN 5 THEN 3000 END,
  CASE i %% 4 WHEN 0 THEN '{"format": "pdf", "pages": 12}' ELSE '{"screen": "home"}' END::jsonb
FROM (
  SELECT i, 1 + floor(%(n)s * power(random(), 2))::bigint AS member_id, %(at)s::timestamptz - random() * interval '90 days' AS occurred_at,
    CASE WHEN r < 0.45 THEN 1 WHEN r < 0.75 THEN 2 WHEN r < 0.90 THEN 3 WHEN r < 0.98 THEN 4 ELSE 5 END AS definition_id
  FROM (SELECT i, random() AS r FROM generate_series(1, 10 * %(n)s) AS i OFFSET 0) r
  OFFSET 0
) e ORDER BY occurred_at;

DO $$ DECLARE d record; BEGIN FOR d IN SELECT redo FROM dropped LOOP EXECUTE d.redo; END LOOP; END $$;
DROP TABLE dropped;
SELECT setval(pg_get_serial_sequence('members_eventdefinition', 'id'), 10);
RESET ALL;
