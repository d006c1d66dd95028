-- Contacts as people ask for them, and change them as an app would.

-- name: find
-- The contacts with one of these emails, which are trimmed and folded.
SELECT c.id::text, lower(btrim(c.email::text))
  FROM contacts c
 WHERE lower(btrim(c.email::text)) = ANY (@emails::text[])

-- name: select
-- The ids of the next contacts that a filter wants, in their order. Each condition
-- that is not wanted is folded away when the statement is planned with its values,
-- so that what is left finds its index. Enum types of an app's own need not have a
-- label, so what is not wanted is compared as text. A column's own collation may not
-- know where a text begins (a nondeterministic one, before PostgreSQL 18).
SELECT c.id::text
  FROM contacts c
 WHERE (@after::text IS NULL OR c.id > @after::text::uuid)
   AND (c.hubspot_processing_status = @status OR @status IS NULL)
   AND (c.hubspot_sync_status = @mirror OR @mirror IS NULL)
   AND (@code = '' OR c.hubspot_error_code = @code)
   AND (@ids::text[] IS NULL OR c.id = ANY (@ids::text[]::uuid[]))
   AND (@except::text[] IS NULL OR c.hubspot_processing_status IS NULL OR c.hubspot_processing_status::text <> ALL (@except::text[]))
   AND (NOT @sendable::bool OR btrim(c.email::text) <> '' AND c.hubspot_sync_status::text IS DISTINCT FROM 'Skipped')
   AND (@email = '' OR c.email::text IN (@email, lower(@email)))
   AND (@text = '' OR position(lower(@text) IN lower(concat_ws(' ', c.name, c.hubspot_contact_id,
                                                               CASE WHEN @in_emails::bool THEN c.email::text END) COLLATE "default")) > 0)
 ORDER BY c.id -- not by the output, whose text no index has
 LIMIT @most::bigint

-- name: window
-- A piece of select, in the place of its table: the next contacts by their ids, to
-- look through. The limit is a fence: no index leads the planner out of it. A reader
-- may not read columns that are not ours.
SELECT c.id, c.email, c.name, c.hubspot_sync_status, c.hubspot_processing_status, c.hubspot_error_code, c.hubspot_contact_id
  FROM contacts c
 WHERE (@after::text IS NULL OR c.id > @after::text::uuid)
 ORDER BY c.id
 LIMIT @window::bigint

-- name: window_end
-- The last contact of a window; nothing where that reaches the table's end.
SELECT c.id::text
  FROM contacts c
 WHERE (@after::text IS NULL OR c.id > @after::text::uuid)
 ORDER BY c.id
OFFSET @window::bigint - 1
 LIMIT 1

-- name: next_in_queue
-- The ids of the contacts in the queue, in the order of the claims: due retries,
-- fresh ones, then those that wait for their time.
SELECT c.id::text
  FROM contacts c
 WHERE c.hubspot_processing_status = 'Queued'
 ORDER BY CASE WHEN c.next_retry_at <= now() THEN 1 WHEN c.next_retry_at IS NULL THEN 2 ELSE 3 END,
          c.next_retry_at, c.hubspot_queued_at, c.id
 LIMIT @most::int

-- name: any_due
-- Whether contacts are due that nobody works on yet.
SELECT s.due > 0 FROM contactsync.hubspot_queue_state(1) AS s

-- name: details
-- All that is known of the contacts with these ids, in the order of the ids. Values
-- that an app left absurd are bounded: a page must not fail for them.
SELECT c.id::text,
       coalesce(c.email::text, ''),
       coalesce(c.name::text, ''),
       coalesce(c.hubspot_sync_status::text, ''),
       coalesce(c.hubspot_processing_status::text, ''),
       coalesce(c.hubspot_error_code::text, ''),
       coalesce(c.hubspot_processing_error::text, ''),
       coalesce(c.hubspot_contact_id::text, ''),
       least(greatest(coalesce(c.retry_count, 0), 0), 1000000)::int,
       CASE WHEN isfinite(c.next_retry_at) THEN c.next_retry_at::timestamptz END,
       CASE WHEN isfinite(c.hubspot_synced_at) THEN c.hubspot_synced_at::timestamptz END,
       CASE WHEN isfinite(c.updated_at) THEN c.updated_at::timestamptz END,
       coalesce(c.phone_number::text, ''),
       coalesce(c.domain_id::text, ''),
       coalesce(c.page_id::text, ''),
       CASE WHEN isfinite(c.last_retry_at) THEN c.last_retry_at::timestamptz END,
       coalesce(c.created_at::text, ''),
       x.claimed_at,
       x.until
  FROM contacts c
  LEFT JOIN contactsync.claims x ON x.contact_id = c.id AND x.destination = @destination
 WHERE c.id = ANY (@ids::text[]::uuid[])
 ORDER BY c.id

-- name: read
-- What is sent of the contacts with these ids, in the order of the ids given.
SELECT c.id::text,
       coalesce(c.email::text, ''),
       coalesce(c.name::text, ''),
       coalesce(c.phone_number::text, ''),
       coalesce(c.domain_id::text, ''),
       coalesce(c.page_id::text, ''),
       CASE WHEN isfinite(c.updated_at) THEN c.updated_at::timestamptz END,
       ARRAY[{{extra_values}}]::text[]
  FROM unnest(@ids::text[]::uuid[]) WITH ORDINALITY AS wanted (id, place)
  JOIN contacts c ON c.id = wanted.id
 ORDER BY wanted.place

-- name: queue
-- Put contacts into the queue, as an app would: the trigger makes it a fresh request.
UPDATE contacts c
   SET hubspot_processing_status = 'Queued',
       hubspot_sync_status = 'Queued'
 WHERE c.id = ANY (@ids::text[]::uuid[])
RETURNING c.id::text

-- name: skip
-- Take contacts out of the queue for good, as a person's decision. What is in
-- flight is finished, and stays skipped. What is Complete is left alone. @state is no
-- state of the queue: NULL where the app's column takes that.
UPDATE contacts c
   SET hubspot_sync_status = 'Skipped',
       hubspot_processing_status = @state,
       hubspot_processing_error = NULL,
       hubspot_error_code = NULL,
       next_retry_at = NULL
 WHERE c.id = ANY (@ids::text[]::uuid[])
   AND c.hubspot_processing_status::text IS DISTINCT FROM 'Complete'
RETURNING c.id::text
