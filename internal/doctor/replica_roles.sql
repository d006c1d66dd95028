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
