-- What this role would have to be allowed and is not, for a worker's job. The
-- tables are found by their oids: by name they could not even be asked about
-- without USAGE on their schema.
WITH ours AS (
    SELECT c.oid, c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'contactsync'
), readable AS (
    SELECT 'SELECT' AS what, a.attname, a.attrelid, a.attnum
      FROM pg_attribute a
     WHERE a.attname IN ('id', 'email', 'name', 'phone_number', 'domain_id', 'page_id', 'hubspot_sync_status',
           'hubspot_processing_status', 'hubspot_processing_error', 'hubspot_error_code', 'hubspot_contact_id',
           'hubspot_synced_at', 'retry_count', 'next_retry_at', 'last_retry_at', 'last_failed_crm', 'updated_at', 'hubspot_queued_at')
       AND a.attrelid = to_regclass('contacts') AND NOT a.attisdropped
), writable AS (
    SELECT 'UPDATE' AS what, a.attname, a.attrelid, a.attnum
      FROM readable a
     WHERE a.attname NOT IN ('id', 'email', 'name', 'phone_number', 'domain_id', 'page_id', 'hubspot_queued_at')
)
SELECT 'USAGE on schema ' || c.relnamespace::regnamespace || ' (or search_path does not lead to contacts)' AS missing
  FROM pg_class c
 WHERE c.relname = 'contacts' AND c.relkind IN ('r', 'p') AND to_regclass('contacts') IS NULL
UNION ALL
SELECT 'USAGE on schema contactsync'
 WHERE NOT has_schema_privilege(to_regnamespace('contactsync')::oid, 'USAGE')
UNION ALL
SELECT c.what || ' of contacts (' || string_agg(c.attname, ', ' ORDER BY c.attnum) || ')'
  FROM (SELECT * FROM readable UNION ALL SELECT * FROM writable) c
 WHERE NOT has_column_privilege(c.attrelid, c.attnum, c.what)
 GROUP BY c.what
UNION ALL
SELECT w.privilege || ' on contactsync.' || ours.relname
  FROM (VALUES ('claims', 'SELECT'), ('claims', 'INSERT'), ('claims', 'UPDATE'), ('claims', 'DELETE'),
               ('cycles', 'SELECT'), ('cycles', 'INSERT'), ('cycles', 'UPDATE'), ('cycles', 'DELETE'),
               ('slots', 'SELECT'), ('slots', 'INSERT'), ('slots', 'UPDATE'), ('slots', 'DELETE'),
               ('failures', 'SELECT'), ('failures', 'INSERT'), ('failures', 'DELETE'),
               ('sent', 'SELECT'), ('sent', 'INSERT'), ('sent', 'UPDATE'), ('sent', 'DELETE'),
               ('installed', 'SELECT'), ('goose_db_version', 'SELECT'),
               ('status', 'SELECT'), ('problems', 'SELECT')) AS w (name, privilege)
  JOIN ours ON ours.relname = w.name
 WHERE NOT has_table_privilege(ours.oid, w.privilege)
UNION ALL
SELECT 'USAGE on sequence contactsync.cycles_id_seq'
  FROM ours
 WHERE CASE WHEN ours.relname = 'cycles_id_seq' THEN NOT has_sequence_privilege(ours.oid, 'USAGE') END -- in this order
UNION ALL
SELECT 'EXECUTE on function contactsync.' || p.proname
  FROM pg_proc p
 WHERE p.pronamespace = to_regnamespace('contactsync')
   AND p.proname ~ '_(queue_state|problems)$'
   AND NOT has_function_privilege(p.oid, 'EXECUTE')
