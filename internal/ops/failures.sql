-- What failed, and why.

-- name: failures_by_code
-- The contacts that failed, by code, each counted up to @bound (NULL: all). The codes
-- in Error are found by hopping through their index from one to the next. Of
-- those that wait for a retry only the next ones are looked at, up to the bound.
WITH RECURSIVE hop (code) AS (
    (SELECT c.hubspot_error_code::text
       FROM contacts c
      WHERE c.hubspot_processing_status = 'Error'
      ORDER BY c.hubspot_error_code
      LIMIT 1)
    UNION ALL
    SELECT (SELECT c.hubspot_error_code::text
              FROM contacts c
             WHERE c.hubspot_processing_status = 'Error' AND c.hubspot_error_code > hop.code
             ORDER BY c.hubspot_error_code
             LIMIT 1)
      FROM hop
     WHERE hop.code IS NOT NULL
), failed AS (
    SELECT hop.code,
           (SELECT count(*)
              FROM (SELECT FROM contacts c
                     WHERE c.hubspot_processing_status = 'Error' AND c.hubspot_error_code = hop.code
                     LIMIT @bound::bigint) AS counted) AS n,
           (SELECT c.hubspot_processing_error::text
              FROM contacts c
             WHERE c.hubspot_processing_status = 'Error' AND c.hubspot_error_code = hop.code
             LIMIT 1) AS example
      FROM hop
     WHERE hop.code IS NOT NULL
    UNION ALL -- an app's own errors need not have a code
    SELECT NULL,
           (SELECT count(*)
              FROM (SELECT FROM contacts c
                     WHERE c.hubspot_processing_status = 'Error' AND c.hubspot_error_code IS NULL
                     LIMIT @bound::bigint) AS counted),
           (SELECT c.hubspot_processing_error::text
              FROM contacts c
             WHERE c.hubspot_processing_status = 'Error' AND c.hubspot_error_code IS NULL
             LIMIT 1)
), waiting AS (
    SELECT w.code, count(*) AS n, min(w.error) AS example
      FROM (SELECT c.hubspot_error_code::text AS code, c.hubspot_processing_error::text AS error
              FROM contacts c
             WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NOT NULL
             ORDER BY c.next_retry_at
             LIMIT @bound::bigint) AS w
     WHERE w.code IS NOT NULL
     GROUP BY w.code
)
SELECT coalesce(f.code, 'OTHER') AS code,
       sum(f.failed)::bigint AS error,
       sum(f.waiting)::bigint AS waiting,
       min(f.example) AS example
  FROM (SELECT failed.code, failed.n AS failed, 0 AS waiting, failed.example FROM failed
         UNION ALL
        SELECT waiting.code, 0, waiting.n, waiting.example FROM waiting) AS f
 GROUP BY 1
HAVING sum(f.failed + f.waiting) > 0
 ORDER BY 2 DESC, 3 DESC, 1
 LIMIT 20

-- name: attempts
-- The newest failed attempts of one contact, or of all where @contact is NULL.
SELECT f.contact_id::text,
       coalesce((SELECT c.email::text FROM contacts c WHERE c.id = f.contact_id), ''),
       f.at,
       coalesce(f.attempt, 0),
       coalesce(f.code, 'OTHER'),
       coalesce(f.http_status, 0),
       coalesce(f.message, ''),
       coalesce(f.correlation_id, ''),
       coalesce((SELECT y.instance FROM contactsync.cycles y WHERE y.id = f.cycle), '')
  FROM contactsync.failures f
 WHERE (f.contact_id = @contact::text::uuid OR @contact::text IS NULL)
   AND f.destination = @destination
 ORDER BY f.at DESC
 LIMIT @most::int
