-- What is sent of the contacts with these ids, in their order. $1 ids.
SELECT c.id::text,
       coalesce(c.email::text, ''),
       coalesce(c.name::text, ''),
       coalesce(c.phone_number::text, ''),
       coalesce(c.domain_id::text, ''),
       coalesce(c.page_id::text, ''),
       CASE WHEN isfinite(c.updated_at) THEN c.updated_at::timestamptz END,
       ARRAY[/* further values */]::text[]
  FROM unnest($1::text[]::uuid[]) WITH ORDINALITY AS wanted (id, place)
  JOIN contacts c ON c.id = wanted.id
 ORDER BY wanted.place
