-- What tells this database from every other one, whichever way it is reached.
SELECT pg_postmaster_start_time()::text || ' ' || d.oid::text
  FROM pg_database d
 WHERE d.datname = current_database()
