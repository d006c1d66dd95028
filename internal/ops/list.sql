-- A page of contacts by their ids. $1 after this id (before it where the way is
-- back), $2 hubspot_processing_status or NULL for any, $3 hubspot_sync_status or
-- NULL, $4 code or empty, $5 one id or NULL, $6 one email as it is written or
-- empty, $7 a text or empty, $8 whether emails are searched for it, $9 at most so
-- many. Each condition that is not wanted is folded away when the statement is
-- planned, so that what is left finds its index.
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
       CASE WHEN isfinite(c.updated_at) THEN c.updated_at::timestamptz END
  FROM contacts c
 WHERE c.id > $1::text::uuid
   AND (c.hubspot_processing_status = $2 OR $2 IS NULL)
   AND (c.hubspot_sync_status = $3 OR $3 IS NULL)
   AND ($4 = '' OR c.hubspot_error_code = $4)
   AND ($5::text IS NULL OR c.id = $5::text::uuid)
   AND ($6 = '' OR c.email::text IN ($6, lower($6)))
   AND ($7 = '' OR position(lower($7) IN lower(concat_ws(' ', c.name, c.hubspot_contact_id,
                                                         CASE WHEN $8::bool THEN c.email::text END))) > 0)
 ORDER BY c.id
 LIMIT $9::int
