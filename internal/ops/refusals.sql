-- What the database refuses.

-- name: refusals
-- Why contacts cannot be written, and how many for each reason. One that is no
-- contact's fault lasts until it should have been met again.
SELECT r.stage,
       r.code,
       r.source,
       r.message,
       coalesce(r.contact_id::text, '') AS contact_id,
       r.since,
       coalesce(x.n, 0) AS refused
  FROM contactsync.refusals r
  LEFT JOIN (SELECT refusal, count(*) AS n
               FROM contactsync.claims
              WHERE destination = @destination AND refusal IS NOT NULL
              GROUP BY refusal) AS x ON x.refusal = r.id
 WHERE r.destination = @destination
   AND (x.n > 0 OR r.contact_id IS NULL AND r.again_at > now())
 ORDER BY x.n DESC NULLS FIRST, r.since
 LIMIT 20
