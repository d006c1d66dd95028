-- Whether contacts has a column traceparent that this role may read.
SELECT EXISTS (
    SELECT FROM pg_attribute a
     WHERE a.attrelid = 'contacts'::regclass AND a.attname = 'traceparent' AND NOT a.attisdropped
       AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')) AS readable
