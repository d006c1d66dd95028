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
