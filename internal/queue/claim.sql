-- Claim a batch: due retries first, then fresh rows, oldest first. Of rows
-- without hubspot_queued_at, which an app has inserted so, nobody knows since when they
-- wait: they are among the first, and so the index is sorted.
-- $1 how many rows at most, $2 slot, $3 cycle, $4 destination, $5 rows that are
-- set aside.
-- While an operator holds the destination there is room for none: asked here, and
-- not before, so that no replica takes anything once that is committed.
-- The ARRAYs and the scalar sub-selects are fences: they keep the index scans
-- whatever the planner believes about the table. Only what could be inserted
-- into claims is ours: a row that another leader claimed meanwhile is not.
WITH room AS MATERIALIZED (
    SELECT CASE WHEN EXISTS (SELECT FROM contactsync.holds h WHERE h.destination = $4) THEN 0 ELSE $1::int END AS n
), retries AS MATERIALIZED (
    SELECT ARRAY(
        SELECT c.id
          FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at <= now()
           AND c.id <> ALL ($5::text[]::uuid[])
           AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = $4) IS NULL
         ORDER BY c.next_retry_at
         LIMIT (SELECT n FROM room)
           FOR NO KEY UPDATE OF c SKIP LOCKED) AS ids
), fresh AS MATERIALIZED (
    SELECT ARRAY(
        SELECT c.id
          FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at IS NULL
           AND c.id <> ALL ($5::text[]::uuid[])
           AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = $4) IS NULL
         ORDER BY c.hubspot_queued_at NULLS FIRST
         LIMIT (SELECT n FROM room) - (SELECT cardinality(ids) FROM retries)
           FOR NO KEY UPDATE OF c SKIP LOCKED) AS ids
), picked AS MATERIALIZED (
    SELECT p.id, p.place
      FROM retries, fresh, unnest(retries.ids || fresh.ids) WITH ORDINALITY AS p (id, place)
), claimed AS (
    INSERT INTO contactsync.claims (contact_id, destination, slot, cycle)
    SELECT id, $4, $2::int, $3::bigint FROM picked
        ON CONFLICT DO NOTHING
 RETURNING contact_id
), marked AS (
    UPDATE contacts c
       SET hubspot_processing_status = 'Processing',
           hubspot_sync_status = 'Processing'
     WHERE c.id = ANY (ARRAY(SELECT contact_id FROM claimed))
 RETURNING c.id, c.email, c.name, c.phone_number, c.domain_id, c.page_id, c.updated_at,
           ARRAY[/* further values */]::text[] AS further,
           ''/* traceparent */ AS traceparent,
           md5(ROW(c.email, c.name, c.phone_number, c.domain_id, c.page_id/* further columns */)::text) AS version
)
SELECT m.id::text,
       coalesce(m.email::text, ''),
       coalesce(m.name::text, ''),
       coalesce(m.phone_number::text, ''),
       coalesce(m.domain_id::text, ''),
       coalesce(m.page_id::text, ''),
       CASE WHEN isfinite(m.updated_at) THEN m.updated_at::timestamptz END,
       statement_timestamp() AS claimed_at,
       m.version,
       m.further,
       m.traceparent
  FROM marked m
  JOIN picked USING (id)
 ORDER BY picked.place
