-- The statements that the replicas sent to a database, the most frequent ones
-- first. $1 its name.
SELECT s.calls || ' × ' || left(regexp_replace(regexp_replace(s.query, '^(--[^\n]*\n)+', ''), '\s+', ' ', 'g'), 160)
  FROM pg_stat_statements s
  JOIN pg_database d ON d.oid = s.dbid
 WHERE d.datname = $1
   AND s.query NOT LIKE '%pg_stat_statements%'
   AND s.query NOT LIKE '%l.locktype = ''advisory''%'
 ORDER BY s.calls DESC
 LIMIT 20
