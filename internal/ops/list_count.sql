-- How many contacts a list without a text has, counted up to a bound. $1
-- hubspot_processing_status, $2 code or empty, $3 the bound.
SELECT count(*)
  FROM (SELECT
          FROM contacts c
         WHERE c.hubspot_processing_status = $1
           AND ($2 = '' OR c.hubspot_error_code = $2)
         LIMIT $3::int) AS counted
