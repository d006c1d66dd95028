-- Whether a role can do what it was granted: GRANT only warns where whoever runs
-- it may not give a right away. $1 the role, $2 whether it is a worker.
SELECT has_schema_privilege($1::name, 'contactsync', 'USAGE')
   AND has_column_privilege($1::name, 'contacts', 'email', 'SELECT')
   AND has_table_privilege($1::name, 'contactsync.failures', 'SELECT')
   AND (NOT $2::bool
        OR has_column_privilege($1::name, 'contacts', 'hubspot_processing_status', 'UPDATE')
           AND has_table_privilege($1::name, 'contactsync.claims', 'INSERT')
           AND has_sequence_privilege($1::name, 'contactsync.cycles_id_seq', 'USAGE'))
