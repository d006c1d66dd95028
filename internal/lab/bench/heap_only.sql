-- How many of the updates of contacts wrote into no index, in %.
SELECT coalesce(100 * n_tup_hot_upd::float8 / nullif(n_tup_upd, 0), 0)
  FROM pg_stat_user_tables
 WHERE relid = 'contacts'::regclass
