-- Who takes which contacts. See fragments.sql for what is in double braces.

-- name: claim
-- Claim a batch: due retries first, then fresh rows, oldest first.
-- The ARRAYs and the scalar sub-selects are fences: they keep the index scans
-- whatever the planner believes about the table.
WITH {{room}}, retries AS MATERIALIZED (
    SELECT ARRAY(
        {{due_retries}}
           FOR NO KEY UPDATE OF c SKIP LOCKED) AS ids
), fresh AS MATERIALIZED (
    SELECT ARRAY(
        {{fresh_rows}}
           FOR NO KEY UPDATE OF c SKIP LOCKED) AS ids
), picked AS MATERIALIZED (
    SELECT p.id, p.place
      FROM retries, fresh, unnest(retries.ids || fresh.ids) WITH ORDINALITY AS p (id, place)
), {{take}}
  JOIN picked ON picked.id = claimed.contact_id
 ORDER BY picked.place

-- name: claim_ids
-- Claim the named contacts, whatever their status, unless they are in flight. A row
-- that somebody holds locked, or that is claimed already, is left out. @obey says
-- whether an operator's hold keeps them back.
WITH picked AS MATERIALIZED (
    SELECT c.id AS id
      FROM contacts c
     WHERE c.id = ANY (@ids::text[]::uuid[])
       AND NOT (@obey::bool AND EXISTS (SELECT FROM contactsync.holds h WHERE h.destination = @destination))
       FOR NO KEY UPDATE OF c SKIP LOCKED
), {{take}}

-- name: candidates
-- What a claim would take, without taking it.
WITH {{room}}, retries AS MATERIALIZED (
    SELECT ARRAY(
        {{due_retries}}) AS ids
), fresh AS MATERIALIZED (
    SELECT ARRAY(
        {{fresh_rows}}) AS ids
)
SELECT p.id::text
  FROM retries, fresh, unnest(retries.ids || fresh.ids) AS p (id)

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
