-- The contacts in trouble by code, each counted up to a bound. $1 the codes, $2
-- the bound. Of those that wait for a retry the next ones alone are looked at.
WITH waiting AS MATERIALIZED (
    SELECT w.code, count(*) AS n
      FROM (SELECT c.hubspot_error_code::text AS code
              FROM contacts c
             WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NOT NULL
             ORDER BY c.next_retry_at
             LIMIT $2::int) AS w
     GROUP BY 1
)
SELECT k.code,
       (SELECT count(*)
          FROM (SELECT FROM contacts c
                 WHERE c.hubspot_processing_status = 'Error' AND c.hubspot_error_code = k.code
                 LIMIT $2::int) AS counted) AS error,
       coalesce((SELECT w.n FROM waiting w WHERE w.code = k.code), 0) AS waiting,
       coalesce((SELECT c.hubspot_processing_error::text FROM contacts c
                  WHERE c.hubspot_processing_status = 'Error' AND c.hubspot_error_code = k.code
                  LIMIT 1), '') AS example
  FROM unnest($1::text[]) WITH ORDINALITY AS k (code, place)
 ORDER BY 2 DESC, 3 DESC, k.place
