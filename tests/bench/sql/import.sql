-- The bare side of both imports: validate the staged text, then upsert members, their lifecycle rows and identities, with the
-- same tables, indexes and foreign keys. No report of rejected rows, no normalising, no undo.
SET LOCAL work_mem = '128MB';
ANALYZE bench_raw;
CREATE TEMP TABLE valid ON COMMIT DROP AS
SELECT r.external_id, r.display_name, lower(r.email) AS email, r.language, r.city, r.channel,
  r.registered_at::timestamptz AS registered_at, i.member_id
FROM bench_raw r LEFT JOIN members_identity i ON i.kind = 'external_id' AND i.value = r.external_id
WHERE pg_input_is_valid(r.registered_at, 'timestamptz') AND length(r.display_name) <= 120 AND r.email ~ '^[^@ ]+@[^@ ]+$';
UPDATE members_member m SET display_name = v.display_name, language = v.language, city = v.city, channel = v.channel,
  registered_at = v.registered_at, updated_at = %(at)s
FROM valid v WHERE v.member_id = m.id AND (m.display_name, m.language, m.city, m.channel, m.registered_at)
  IS DISTINCT FROM (v.display_name, v.language, v.city, v.channel, v.registered_at);
UPDATE members_identity i SET value = v.email FROM valid v
WHERE i.member_id = v.member_id AND i.kind = 'email' AND i.value IS DISTINCT FROM v.email;
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('members_member', 'id')) AS id, v.* FROM valid v WHERE v.member_id IS NULL;
INSERT INTO members_member (id, display_name, language, gender, city, channel, registered_at, attributes, is_demo, created_at,
                            updated_at)
SELECT id, display_name, language, '', city, channel, registered_at, '{}', false, %(at)s, %(at)s FROM fresh;
-- Else the foreign keys are checked by a plan made for an empty table, which walks an index for every row.
ANALYZE members_member (id);
INSERT INTO members_memberlifecycle (member_id, membership_status, auto_renewal_flag, time_zone, known_since, next_due_at)
SELECT id, 'none', false, '', %(at)s, %(at)s FROM fresh;
INSERT INTO members_identity (member_id, kind, value, created_at)
SELECT id, 'external_id', external_id, %(at)s FROM fresh;
INSERT INTO members_identity (member_id, kind, value, created_at)
SELECT id, 'email', email, %(at)s FROM fresh;
