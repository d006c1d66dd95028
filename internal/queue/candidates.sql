-- What a claim would take, without taking it: due retries first, then fresh rows.
-- $1 how many rows at most, $2 destination, $3 rows that are set aside.
-- Each kind has an index of its own; asked for at once they would have the whole
-- table read.
WITH room AS MATERIALIZED (
    SELECT CASE WHEN EXISTS (SELECT FROM contactsync.holds h WHERE h.destination = $2) THEN 0 ELSE $1::int END AS n
), retries AS MATERIALIZED (
    SELECT ARRAY(
        SELECT c.id
          FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at <= now()
           AND c.id <> ALL ($3::text[]::uuid[])
           AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = $2) IS NULL
         ORDER BY c.next_retry_at
         LIMIT (SELECT n FROM room)) AS ids
), fresh AS MATERIALIZED (
    SELECT ARRAY(
        SELECT c.id
          FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at IS NULL
           AND c.id <> ALL ($3::text[]::uuid[])
           AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = $2) IS NULL
         ORDER BY c.hubspot_queued_at NULLS FIRST
         LIMIT (SELECT n FROM room) - (SELECT cardinality(ids) FROM retries)) AS ids
)
SELECT id::text
  FROM retries, fresh, unnest(retries.ids || fresh.ids) AS id
