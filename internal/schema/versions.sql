-- The migrations that the database has, and since when (in UTC).
SELECT version_id, tstamp
  FROM contactsync.goose_db_version
 WHERE is_applied AND version_id > 0
