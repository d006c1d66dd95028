-- Claim the named contacts, whatever their status, unless they are in flight.
-- $1 ids, $2 slot, $3 cycle, $4 destination, $5 whether an operator's hold keeps
-- them back.
-- A row that somebody holds locked, or that is claimed already, is left out.
WITH picked AS MATERIALIZED (
    SELECT c.id
      FROM contacts c
     WHERE c.id = ANY ($1::uuid[])
       AND NOT ($5::bool AND EXISTS (SELECT FROM contactsync.holds h WHERE h.destination = $4))
       FOR NO KEY UPDATE OF c SKIP LOCKED
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
