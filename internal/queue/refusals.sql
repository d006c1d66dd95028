-- Rows that the database does not let be written (see refusal.go).

-- name: refuser
-- The app's triggers that ran the functions @functions; where there are none (NULL), all
-- that can keep a row from being updated.
SELECT string_agg(format('%s on %s', t.tgname, t.tgrelid::regclass), ', ' ORDER BY t.tgname, t.tgrelid::regclass::text)
  FROM pg_trigger t
  JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE t.tgrelid IN (SELECT @table::text::regclass::oid UNION SELECT relid FROM pg_partition_tree(@table::text::regclass))
   AND t.tgparentid = 0 -- a partition's goes with its parent's
   AND NOT t.tgisinternal
   AND t.tgenabled <> 'D'
   AND p.pronamespace IS DISTINCT FROM to_regnamespace('contactsync')
   AND CASE WHEN @functions::text[] IS NULL THEN t.tgtype::int & 19 = 19 -- 1 for each row, 2 before, 16 update
            ELSE t.tgfoid::regprocedure::text = ANY (@functions) END

-- name: note_refusal
-- Note a refusal that is seen again in @seconds at the latest while it lasts, and return
-- whether it is news.
INSERT INTO contactsync.refusals AS r (destination, stage, code, source, message, contact_id, since, seen_at, again_at)
VALUES (@destination, @stage, @code, @source, left(@message, 1000), @id::text::uuid, now(), now(), now() + make_interval(secs => @seconds::float8))
    ON CONFLICT (destination, stage, code, source) DO UPDATE
   SET message = excluded.message, contact_id = excluded.contact_id, seen_at = excluded.seen_at, again_at = excluded.again_at,
       since = CASE WHEN r.again_at < now() - interval '1 minute' THEN excluded.seen_at ELSE r.since END
RETURNING id, since = seen_at

-- name: forget_trouble
-- The database takes claims again: what it refused for a reason of its own is over.
DELETE FROM contactsync.refusals WHERE destination = @destination AND stage = @stage AND contact_id IS NULL

-- name: leave_alone
-- Claim rows so that nobody does for @seconds; also those that this @cycle has claimed and
-- could not mark. They hold their key for nobody: see hand_over.
INSERT INTO contactsync.claims AS x (contact_id, destination, slot, cycle, until, refusal)
SELECT id, @destination, @slot::int, @cycle::bigint, clock_timestamp() + make_interval(secs => @seconds::float8), @refusal::bigint
  FROM unnest(@ids::text[]::uuid[]) AS i (id)
    ON CONFLICT (contact_id, destination) DO UPDATE
   SET until = excluded.until, refusal = excluded.refusal, holds_key = false
 WHERE x.cycle = excluded.cycle

-- name: hand_over
-- Have another row of the @cycle hold a key that nobody holds any more.
UPDATE contactsync.claims x
   SET holds_key = true
 WHERE x.destination = @destination
   AND x.contact_id = ANY (ARRAY(
           SELECT DISTINCT ON (y.key) y.contact_id
             FROM contactsync.claims y
            WHERE y.destination = @destination AND y.cycle = @cycle::bigint AND y.until IS NULL AND y.key IS NOT NULL
              AND (SELECT z.slot FROM contactsync.claims z WHERE z.key = y.key AND z.destination = @destination AND z.holds_key) IS NULL))

-- name: keep_refused
-- Say of claims under way why their rows cannot be settled. Their requests are over: the
-- key is free. What the requests of @in_doubt do may still land for @doubt seconds.
WITH kept AS (
    UPDATE contactsync.claims
       SET refusal = @refusal::bigint, holds_key = false
     WHERE contact_id = ANY (@ids::text[]::uuid[]) AND destination = @destination AND cycle = @cycle::bigint
 RETURNING contact_id, key
)
INSERT INTO contactsync.doubts AS d (destination, key, until)
SELECT @destination, key, max(clock_timestamp() + make_interval(secs => @doubt::float8)) FROM kept
 WHERE key IS NOT NULL AND contact_id = ANY (@in_doubt::text[]::uuid[])
 GROUP BY key
    ON CONFLICT (destination, key) DO UPDATE
   SET until = greatest(d.until, excluded.until), versions = '{}'

-- name: try_rows
-- Which contacts to try: those that are refused, the first one that is queued, and any
-- one; @most of them.
SELECT i.id::text
  FROM ((SELECT r.contact_id AS id FROM contactsync.refusals r
          WHERE r.destination = @destination AND r.contact_id IS NOT NULL
            AND EXISTS (SELECT FROM contactsync.claims x WHERE x.destination = r.destination AND x.refusal = r.id)
          ORDER BY r.since LIMIT @most::int - 2)
         UNION
        (SELECT c.id FROM contacts c WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NULL ORDER BY c.hubspot_queued_at LIMIT 1)
         UNION
        (SELECT c.id FROM contacts c LIMIT 1)) AS i

-- name: lift
-- Let rows be tried at once that are left alone because they were refused.
DELETE FROM contactsync.claims
 WHERE contact_id = ANY (@ids::text[]::uuid[]) AND destination = @destination AND refusal IS NOT NULL AND until IS NOT NULL
