-- The other processes of contactsync that are connected, by name. $1 this one's.
-- Names are cut by the server, and so must this one's be.
SELECT DISTINCT regexp_replace(application_name, '^contactsync/', '')
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND application_name LIKE 'contactsync/%'
   AND application_name <> left('contactsync/' || $1::text, 63)
 ORDER BY 1
