-- The roles that were granted something and are still there, and what.
SELECT i.name, i.detail
  FROM contactsync.installed i
  JOIN pg_roles r ON r.rolname = i.name
 WHERE i.kind = 'role'
 ORDER BY i.name
