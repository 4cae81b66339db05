-- The bare side of the ingest: receipts and events of a batch, in the same tables with the same indexes and foreign keys.
-- Nothing is judged, created, parked, counted or described; nobody becomes active.
WITH sent AS MATERIALIZED (
  SELECT DISTINCT ON (r."messageId") i.member_id, d.id AS definition_id, r."messageId" AS message_id, r."timestamp" AS occurred_at,
    r.properties
  FROM jsonb_to_recordset(%(body)s::jsonb -> 'batch') AS r (
    "userId" text, event text, "messageId" varchar(120), "timestamp" timestamptz, properties jsonb)
  JOIN members_identity i ON i.kind = 'external_id' AND i.value = r."userId"
  JOIN members_eventdefinition d ON d.name = r.event
),
taken AS (
  INSERT INTO members_eventreceipt (source_id, message_id, received_at)
  SELECT %(source)s, message_id, now() FROM sent ORDER BY message_id ON CONFLICT DO NOTHING RETURNING message_id
)
INSERT INTO members_event (occurred_at, received_at, member_id, definition_id, source_id, message_id, properties)
SELECT s.occurred_at, now(), s.member_id, s.definition_id, %(source)s, s.message_id, s.properties
FROM sent s JOIN taken USING (message_id)
RETURNING 1
