-- Who takes which contacts. See fragments.sql for what is in double braces.

-- name: claim
-- Claim a batch: due retries first, then fresh rows, oldest first. Rows whose key is
-- claimed are passed over: they hold nobody up.
-- The scalar sub-selects and the ARRAY of ids are fences: they keep the index scans
-- whatever the planner believes about the table.
WITH {{room}}, retries AS MATERIALIZED (
        {{due_retries}}
         LIMIT (SELECT n FROM room)
           FOR NO KEY UPDATE OF c SKIP LOCKED
), fresh AS MATERIALIZED (
        {{fresh_rows}}
         {{longest_waiting}}
         LIMIT (SELECT n FROM room) - (SELECT count(*) FROM retries)
           FOR NO KEY UPDATE OF c SKIP LOCKED
), picked AS MATERIALIZED (
    SELECT p.id, p.key, p.updated, row_number() OVER () AS place
      FROM (SELECT id, key, updated FROM retries UNION ALL SELECT id, key, updated FROM fresh) AS p
), {{take}}

-- name: claim_spread
-- Claim from everywhere in the queue: at most @retries of those that are due again, at
-- most @newest of the fresh rows that were queued last, and for the rest those that
-- wait longest.
WITH {{room}}, retries AS MATERIALIZED (
        {{due_retries}}
         LIMIT least((SELECT n FROM room), @retries::int)
           FOR NO KEY UPDATE OF c SKIP LOCKED
), newest AS MATERIALIZED (
        {{fresh_rows}}
         ORDER BY c.hubspot_queued_at DESC
         LIMIT least((SELECT n FROM room), @newest::int)
           FOR NO KEY UPDATE OF c SKIP LOCKED
), fresh AS MATERIALIZED (
        {{fresh_rows}}
           AND c.id <> ALL (ARRAY(SELECT id FROM newest))
         {{longest_waiting}}
         LIMIT (SELECT n FROM room) - (SELECT count(*) FROM retries) - (SELECT count(*) FROM newest)
           FOR NO KEY UPDATE OF c SKIP LOCKED
), picked AS MATERIALIZED (
    SELECT p.id, p.key, p.updated, row_number() OVER () AS place
      FROM (SELECT id, key, updated FROM retries UNION ALL SELECT id, key, updated FROM newest UNION ALL SELECT id, key, updated FROM fresh) AS p
), {{take}}

-- name: claim_ids
-- Claim the named contacts, whatever their status, unless they or others of their key
-- are in flight. A row that somebody holds locked is left out. @obey says whether an
-- operator's hold keeps them back.
WITH picked AS MATERIALIZED (
    SELECT c.id AS id, {{key}} AS key, c.updated_at AS updated, c.id AS place
      FROM contacts c
     WHERE c.id = ANY (@ids::text[]::uuid[])
       AND {{unclaimed}}
       AND NOT (@obey::bool AND EXISTS (SELECT FROM contactsync.holds h WHERE h.destination = @destination))
       FOR NO KEY UPDATE OF c SKIP LOCKED
), {{take}}

-- name: candidates
-- What a claim would take, without taking it.
WITH {{room}}, retries AS MATERIALIZED (
        {{due_retries}}
         LIMIT (SELECT n FROM room)
), fresh AS MATERIALIZED (
        {{fresh_rows}}
         {{longest_waiting}}
         LIMIT (SELECT n FROM room) - (SELECT count(*) FROM retries)
)
SELECT p.id::text
  FROM (SELECT id FROM retries UNION ALL SELECT id FROM fresh) AS p

-- name: reject
-- End a contact in Error that cannot be marked Processing.
UPDATE contacts c
   SET hubspot_processing_status = 'Error',
       hubspot_sync_status = 'Error',
       hubspot_processing_error = left(@why, 500),
       hubspot_error_code = 'OTHER',
       next_retry_at = NULL
 WHERE c.id = @id::text::uuid
   AND c.hubspot_processing_status = 'Queued'

-- name: touch
-- Say that cycles are still alive, so that their claims do not count as dead.
UPDATE contactsync.claims
   SET claimed_at = clock_timestamp()
 WHERE destination = @destination AND cycle = ANY (@cycles::bigint[]) AND until IS NULL

-- name: draw_number
-- The number of a later cycle.
SELECT nextval(pg_get_serial_sequence('contactsync.cycles', 'id'))
