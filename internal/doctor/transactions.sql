-- What has been open in this database for too long, the oldest first. $1 after
-- how many seconds. Kind, name, state and age; who can be seen is a matter of
-- rights (hidden.sql). No statement is shown: it may hold what nobody should read.
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
