-- How many statements the replicas sent to a database. $1 its name.
SELECT coalesce(sum(s.calls), 0)::bigint
  FROM pg_stat_statements s
  JOIN pg_database d ON d.oid = s.dbid
 WHERE d.datname = $1
   AND s.query NOT LIKE '%pg_stat_statements%'
   AND s.query NOT LIKE '%l.locktype = ''advisory''%' -- the question whether a leader sleeps
