-- Pieces of statements. A statement has a place for one where its name stands in
-- double braces. Some places are filled from Go: extra_columns, extra_values and
-- traceparent, because only there it is known what the app's table has, and
-- latency_counts, because only there it is known how many bounds there are.

-- name: version
-- What stands for the values of a row: the settle compares it with what was claimed.
md5(ROW(c.email, c.name, c.phone_number, c.domain_id, c.page_id{{extra_columns}})::text)

-- name: room
-- How many rows may be claimed. While an operator holds the destination there is room
-- for none: asked within the claim, and not before, so that no replica takes anything
-- once the hold is committed.
room AS MATERIALIZED (
    SELECT CASE WHEN EXISTS (SELECT FROM contactsync.holds h WHERE h.destination = @destination) THEN 0 ELSE @most::int END AS n
)

-- name: due_retries
-- Each kind of row has an index of its own; asked for at once they would have the
-- whole table read.
SELECT c.id
          FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at <= now()
           AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL
         ORDER BY c.next_retry_at
         LIMIT (SELECT n FROM room)

-- name: fresh_rows
-- Of rows without hubspot_queued_at, which an app has inserted so, nobody knows since
-- when they wait: they are the last, as the index has them, until the next look for what
-- leaders left gives them a time (see date_queue).
SELECT c.id
          FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at IS NULL
           AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL
         ORDER BY c.hubspot_queued_at
         LIMIT (SELECT n FROM room) - (SELECT cardinality(ids) FROM retries)

-- name: take
-- Claims the rows of picked and reads them. Only what could be inserted into claims
-- is ours: a row that another leader claimed meanwhile is not. A row that is claimed
-- and not marked was vetoed: an app's BEFORE trigger returned NULL for it.
claimed AS (
    INSERT INTO contactsync.claims (contact_id, destination, slot, cycle)
    SELECT id, @destination, @slot::int, @cycle::bigint FROM picked
        ON CONFLICT DO NOTHING
 RETURNING contact_id
), marked AS (
    UPDATE contacts c
       SET hubspot_processing_status = 'Processing',
           hubspot_sync_status = 'Processing'
     WHERE c.id = ANY (ARRAY(SELECT contact_id FROM claimed))
 RETURNING c.id AS id, c.email AS email, c.name AS name, c.phone_number AS phone,
           c.domain_id AS domain, c.page_id AS page, c.updated_at AS updated,
           ARRAY[{{extra_values}}]::text[] AS extra,
           {{traceparent}} AS traceparent,
           {{version}} AS version
)
SELECT claimed.contact_id::text,
       m.id IS NULL AS vetoed,
       coalesce(m.email::text, ''),
       coalesce(m.name::text, ''),
       coalesce(m.phone::text, ''),
       coalesce(m.domain::text, ''),
       coalesce(m.page::text, ''),
       CASE WHEN isfinite(m.updated) THEN m.updated::timestamptz END,
       statement_timestamp() AS claimed_at,
       coalesce(m.version, ''),
       m.extra,
       coalesce(m.traceparent, '')
  FROM claimed
  LEFT JOIN marked m ON m.id = claimed.contact_id
