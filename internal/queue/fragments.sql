-- Pieces of statements. A statement has a place for one where its name stands in
-- double braces. Some places are filled from Go: extra_columns, extra_values and
-- traceparent, because only there it is known what the app's table has, and
-- latency_counts, because only there it is known how many bounds there are.

-- name: version
-- What stands for the values of a row: the settle compares it with what was claimed.
md5(ROW(c.email, c.name, c.phone_number, c.domain_id, c.page_id{{extra_columns}})::text)

-- name: email_key
-- What a destination tells contacts apart by that goes by emails, as contact.Key makes
-- it: without the blanks that strings.TrimSpace takes off, and in lower case. No
-- destination takes an address that is not ASCII; as the database folds others is not
-- known here.
nullif(lower(btrim(c.email::text, E' \t\n\u000b\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000') COLLATE "C"), '')

-- name: id_key
c.id::text

-- name: key
-- The key of a row; NULL where it has none.
sha256(convert_to({{keyed_by}}, 'UTF8'))

-- name: unclaimed
-- Neither the row is in flight nor another one of its key, whoever has claimed it.
(SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL
           AND (SELECT x.slot FROM contactsync.claims x WHERE x.key = {{key}} AND x.destination = @destination AND x.holds_key) IS NULL

-- name: not_awaited
-- Not in flight, and not waiting for something that this session notices by itself.
(SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL
                  AND (SELECT x.slot FROM contactsync.claims x WHERE x.key = {{key}} AND x.destination = @destination AND x.holds_key
                          AND (x.until IS NOT NULL OR x.cycle = ANY (@active::bigint[]))) IS NULL

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
SELECT c.id AS id, {{key}} AS key, c.updated_at AS updated
          FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at <= now()
           AND {{unclaimed}}
         ORDER BY c.next_retry_at

-- name: fresh_rows
-- In no order yet.
SELECT c.id AS id, {{key}} AS key, c.updated_at AS updated
          FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at IS NULL
           AND {{unclaimed}}

-- name: longest_waiting
-- Of rows without hubspot_queued_at, which an app has inserted so, nobody knows since
-- when they wait: they are the last, as the index has them, until the next look for what
-- leaders left gives them a time (see date_queue).
ORDER BY c.hubspot_queued_at

-- name: take
-- Claims the rows of picked (id, place, key, updated) and reads them. Only what could be
-- inserted into claims is ours: a row, or a key, that another leader claimed meanwhile
-- is not. The first row of a key claims it for those beside it. Everybody inserts keys
-- in the same order, so that two leaders never wait for each other. Updated is from
-- before the claim's own UPDATE, which an app's trigger may take for a change. The
-- claim is dead @dead_after seconds after it was last touched: that is for this leader to
-- say, who knows how long its requests take. A row that is claimed and not marked was
-- vetoed: an app's BEFORE trigger returned NULL for it.
ranked AS MATERIALIZED (
    SELECT id, key, key IS NOT NULL AND row_number() OVER (PARTITION BY key ORDER BY place) > 1 AS beside FROM picked
), first AS (
    INSERT INTO contactsync.claims (contact_id, destination, slot, cycle, dead_after, key, holds_key)
    SELECT id, @destination, @slot::int, @cycle::bigint, make_interval(secs => @dead_after::float8), key, key IS NOT NULL FROM ranked WHERE NOT beside ORDER BY key
        ON CONFLICT DO NOTHING
 RETURNING contact_id, key
), beside AS (
    INSERT INTO contactsync.claims (contact_id, destination, slot, cycle, dead_after, key)
    SELECT id, @destination, @slot::int, @cycle::bigint, make_interval(secs => @dead_after::float8), key FROM ranked WHERE beside AND key = ANY (ARRAY(SELECT key FROM first))
        ON CONFLICT DO NOTHING
 RETURNING contact_id
), claimed AS MATERIALIZED (
    SELECT contact_id FROM first UNION ALL SELECT contact_id FROM beside
), overtaken AS (
    -- Who was faster may have a newer row of the key, and this one comes after it.
    INSERT INTO contactsync.doubts AS d (destination, key, until)
    SELECT @destination, key, clock_timestamp() + interval '1 minute' FROM ranked
     WHERE NOT beside AND key IS NOT NULL AND key <> ALL (ARRAY(SELECT key FROM first WHERE key IS NOT NULL))
        ON CONFLICT (destination, key) DO UPDATE
       SET until = greatest(d.until, excluded.until), versions = '{}'
), marked AS (
    UPDATE contacts c
       SET hubspot_processing_status = 'Processing',
           hubspot_sync_status = 'Processing'
     WHERE c.id = ANY (ARRAY(SELECT contact_id FROM claimed))
 RETURNING c.id AS id, c.email AS email, c.name AS name, c.phone_number AS phone,
           c.domain_id AS domain, c.page_id AS page,
           ARRAY[{{extra_values}}]::text[] AS extra,
           {{traceparent}} AS traceparent,
           coalesce(extract(epoch FROM c.hubspot_queued_at)::text, '') AS request,
           {{version}} AS version
)
SELECT claimed.contact_id::text,
       m.id IS NULL AS vetoed,
       coalesce(m.email::text, ''),
       coalesce(m.name::text, ''),
       coalesce(m.phone::text, ''),
       coalesce(m.domain::text, ''),
       coalesce(m.page::text, ''),
       CASE WHEN isfinite(picked.updated) THEN picked.updated::timestamptz END,
       statement_timestamp() AS claimed_at,
       coalesce(m.version, ''),
       coalesce(m.request, ''),
       m.extra,
       coalesce(m.traceparent, '')
  FROM claimed
  LEFT JOIN marked m ON m.id = claimed.contact_id
  JOIN picked ON picked.id = claimed.contact_id
 ORDER BY picked.place
