-- Sizes in MB: of the table contacts, of its indexes, of the claims with theirs;
-- and the dead rows in contacts, as the server estimates them.
SELECT pg_table_size('contacts') / 1e6::float8,
       pg_indexes_size('contacts') / 1e6::float8,
       pg_total_relation_size('contactsync.claims') / 1e6::float8,
       (SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = 'contacts'::regclass)::float8
