-- What the server says of itself, of who is connected and of what is open. Functions
-- are called by their bare names: a test puts others before them to see what a server
-- would have to say for a check to fail.

-- name: server
-- What the server is like, and how this session may use it.
SELECT current_setting('server_version_num')::int,
       current_setting('server_version'),
       pg_is_in_recovery(),
       current_setting('transaction_read_only') = 'on',
       current_setting('max_prepared_transactions')::int,
       pg_notification_queue_usage()::float8,
       current_setting('session_replication_role'),
       session_user::text,
       current_user::text,
       current_database()::text

-- name: identity
-- What tells this database from every other one, whichever way it is reached.
SELECT pg_postmaster_start_time()::text || ' ' || d.oid::text
  FROM pg_database d
 WHERE d.datname = current_database()

-- name: replica_roles
-- For whom session_replication_role is replica by a setting of the database or a
-- role: the words that follow ALTER.
SELECT concat_ws(' ', CASE WHEN s.setrole <> 0 THEN 'ROLE ' || quote_ident(coalesce(r.rolname, 'all')) END,
                 CASE WHEN s.setdatabase <> 0 AND s.setrole <> 0 THEN 'IN' END,
                 CASE WHEN s.setdatabase <> 0 THEN 'DATABASE ' || quote_ident(d.datname) END,
                 CASE WHEN s.setdatabase = 0 AND s.setrole = 0 THEN 'ROLE ALL' END)
  FROM pg_db_role_setting s
  LEFT JOIN pg_database d ON d.oid = s.setdatabase
  LEFT JOIN pg_roles r ON r.oid = s.setrole
 WHERE (s.setdatabase = 0 OR d.datname = current_database())
   AND lower('session_replication_role=replica') IN (SELECT lower(c) FROM unnest(s.setconfig) AS c)
 ORDER BY 1

-- name: transactions
-- What has been open in this database for too long, the oldest first. $1 after
-- how many seconds. Kind, name, state and age; who can be seen is a matter of
-- rights (hidden). No statement is shown: it may hold what nobody should read.
SELECT 'session' AS kind,
       a.pid::text AS name,
       concat_ws(', ', nullif(a.application_name, ''), 'user ' || a.usename, a.state) AS about,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds
  FROM pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.backend_type = 'client backend'
   AND a.pid <> pg_backend_pid()
   AND a.xact_start < clock_timestamp() - make_interval(secs => $1::float8)
UNION ALL
SELECT 'prepared', x.gid, 'user ' || x.owner, extract(epoch FROM clock_timestamp() - x.prepared)::float8
  FROM pg_prepared_xacts x
 WHERE x.database = current_database()
   AND x.prepared < clock_timestamp() - make_interval(secs => $1::float8)
UNION ALL
SELECT 'slot', s.slot_name::text, age(s.xmin) || ' transactions back', 0
  FROM pg_replication_slots s
 WHERE NOT s.active AND s.xmin IS NOT NULL
 ORDER BY 4 DESC

-- name: hidden
-- Of how many sessions of this database this role may not see what they do.
SELECT count(*)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND query = '<insufficient privilege>'

-- name: connections
-- How many connections there may be, and are: of the server (without those kept
-- for superusers), of this database, of this role. A limit below 0 is none.
SELECT current_setting('max_connections')::int
       - CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
              + coalesce(current_setting('reserved_connections', true)::int, 0) END,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid IS NOT NULL)::int,
       CASE WHEN r.rolsuper THEN -1 ELSE d.datconnlimit END,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.usesysid IS NOT NULL)::int,
       CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid)::int,
       r.rolname::text,
       d.datname::text
  FROM pg_roles r, pg_database d
 WHERE r.rolname = session_user
   AND d.datname = current_database()

-- name: clock
-- What time it is there.
SELECT clock_timestamp()

-- name: others
-- The other processes of contactsync that are connected, by name. $1 this one's.
-- Names are cut by the server, and so must this one's be.
SELECT DISTINCT regexp_replace(application_name, '^contactsync/', '')
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND application_name LIKE 'contactsync/%'
   AND application_name <> left('contactsync/' || $1::text, 63)
 ORDER BY 1
