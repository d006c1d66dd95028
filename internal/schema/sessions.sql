-- The sessions of a migration, and those that are in its way.

-- name: prepare
-- Settings of every session of a migration.
SET application_name = 'contactsync migrate';
SET timezone = 'UTC';
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET idle_session_timeout = 0;
SET standard_conforming_strings = on;
SET datestyle = 'ISO, MDY';
SET intervalstyle = 'postgres';
SET default_transaction_isolation = 'read committed';
SET row_security = on;

-- name: blocking
-- The sessions that a session waits for. $1 its process id.
SELECT a.pid::int,
       coalesce(a.application_name, ''),
       coalesce(a.usename::text, ''),
       coalesce(a.state, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8,
       coalesce(left(a.query, 120), '')
  FROM pg_stat_activity a
 WHERE a.pid = ANY (pg_blocking_pids($1::int))
 ORDER BY a.xact_start NULLS LAST
 LIMIT 5

-- name: holders
-- The sessions that hold locks on the app's table, its partitions, or the tables of
-- contactsync; the longest transaction first. $1 our own application_name, $2 the
-- table's name.
SELECT a.pid::int,
       coalesce(a.application_name, ''),
       coalesce(a.usename::text, ''),
       coalesce(a.state, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8,
       coalesce(left(a.query, 120), '')
  FROM pg_stat_activity a
 WHERE a.application_name IS DISTINCT FROM $1
   AND EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                WHERE l.pid = a.pid AND l.granted
                  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                  AND (c.oid IN (SELECT to_regclass($2)::oid UNION ALL SELECT relid::oid FROM pg_partition_tree(to_regclass($2)))
                       OR c.relnamespace = to_regnamespace('contactsync')::oid))
 ORDER BY a.xact_start NULLS LAST
 LIMIT 5
