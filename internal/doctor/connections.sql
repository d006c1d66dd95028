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
 WHERE r.rolname = current_user
   AND d.datname = current_database()
