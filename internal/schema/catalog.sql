-- What the catalog says of the app's table and of contactsync's own things.

-- name: table
-- The table that a name leads to, by search_path where it has no schema. $1 the name.
SELECT c.oid, c.relkind::text, n.nspname::text, format('%I.%I', n.nspname, c.relname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = to_regclass($1)::oid

-- name: namesakes
-- The tables of a name in any schema. $1 the name without a schema, as it is in the catalog.
SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE lower(c.relname) = lower($1) AND c.relkind IN ('r', 'p')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'contactsync') AND NOT c.relispartition
 ORDER BY 1
 LIMIT 5

-- name: home
-- The schema that a new table is created in: the first one of search_path, but not
-- contactsync, which search_path names for a role of that name. Quoted where it must be.
SELECT coalesce((SELECT quote_ident(s.name)
                   FROM unnest(current_schemas(false)) WITH ORDINALITY AS s (name, place)
                  WHERE s.name <> 'contactsync'
                  ORDER BY s.place
                  LIMIT 1), '')

-- name: columns
-- The columns of a table, each with the type that is left when domains are looked
-- through. $1 the table's oid.
WITH RECURSIVE base AS (
    SELECT a.attnum, a.atttypid AS type, a.atttypmod AS modifier
      FROM pg_attribute a
     WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
     UNION ALL
    SELECT b.attnum, t.typbasetype, CASE t.typtypmod WHEN -1 THEN b.modifier ELSE t.typtypmod END
      FROM base b
      JOIN pg_type t ON t.oid = b.type
     WHERE t.typtype = 'd'
)
SELECT a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS declared,
       format_type(t.oid, -1) AS base,
       t.typcategory::text AS category,
       CASE WHEN t.oid = 'bpchar'::regtype THEN greatest(b.modifier - 4, 1)
            WHEN t.oid = 'varchar'::regtype THEN greatest(b.modifier - 4, 0)
            ELSE 0 END AS room, -- characters; 0 for any number
       a.attnotnull AS not_null,
       a.attgenerated <> '' AS generated,
       a.atthasdef AS filled,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels, -- of an enum
       t.typtype = 'e'
           OR EXISTS (SELECT FROM pg_opclass o
                        JOIN pg_am m ON m.oid = o.opcmethod
                       WHERE m.amname = 'btree' AND o.opcdefault
                         AND (o.opcintype = t.oid
                              OR EXISTS (SELECT FROM pg_cast k
                                          WHERE k.castsource = t.oid AND k.casttarget = o.opcintype AND k.castmethod = 'b'))) AS indexable,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indpred IS NULL) AS indexed,
       (SELECT y.typname::text FROM pg_type y WHERE y.oid = a.atttypid) AS type,
       CASE WHEN t.typtype = 'b' THEN t.typnamespace::regnamespace::text ELSE 'pg_catalog' END AS operators,
       a.attnum::int AS place, -- of which a renamed column keeps its own
       a.atttypid <> t.oid AS domain,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL) AS is_unique
  FROM base b
  JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
  JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attnum = b.attnum
 ORDER BY a.attnum

-- name: partitions
-- The direct partitions of a table. $1 its oid.
SELECT c.oid, c.relkind::text, n.nspname::text, format('%I.%I', n.nspname, c.relname)
  FROM pg_inherits h
  JOIN pg_class c ON c.oid = h.inhrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE h.inhparent = $1::oid
 ORDER BY c.oid

-- name: index_state
-- Whether the index of that name is valid, and the columns that it is on, also by its
-- condition: where one was renamed it is on another than is wanted. No row when there is
-- none. $1 the table's oid, $2 the index's name.
SELECT i.indisvalid,
       ARRAY(SELECT DISTINCT a.attname::text
               FROM pg_depend d
               JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = 'pg_class'::regclass::oid AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0)
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = $1::oid AND c.relname = $2

-- name: index_attached
-- Whether a partition's index is attached. $1 the parent's index, $2 the
-- partition's oid.
SELECT EXISTS (SELECT FROM pg_inherits h
                 JOIN pg_index i ON i.indexrelid = h.inhrelid
                WHERE h.inhparent = to_regclass($1)::oid AND i.indrelid = $2::oid)

-- name: indexes
-- Those of some indexes that a table has: the quoted name, whether partitioned. $1 the
-- table's oid, $2 their names without the schema. Also an INVALID one, which an
-- interrupted run left.
SELECT format('%I.%I', n.nspname, c.relname), c.relkind = 'I'
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE x.indrelid = $1::oid AND c.relname = ANY ($2::text[])

-- name: triggers
-- The enabled triggers on a table that run a function of ours, each with the columns
-- that it depends on. $1 the table's oid.
SELECT t.tgname::text,
       ARRAY(SELECT DISTINCT a.attname::text
               FROM pg_depend d
               JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = 'pg_trigger'::regclass::oid AND d.objid = t.oid AND d.refobjid = t.tgrelid AND d.refobjsubid > 0)
  FROM pg_trigger t
  JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE t.tgrelid = $1::oid
   AND t.tgenabled IN ('O', 'A')
   AND p.pronamespace = to_regnamespace('contactsync')::oid

-- name: ids
-- The tables of ours that hold the table's ids, quoted, and the type that these have there.
SELECT c.oid::regclass::text, format_type(a.atttypid, -1)
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
 WHERE c.relnamespace = to_regnamespace('contactsync')::oid AND a.attname = 'contact_id' AND NOT a.attisdropped

-- name: objects
-- The views and functions of ours that there are: kind and name.
SELECT 'view', c.relname::text
  FROM pg_class c
 WHERE c.relnamespace = to_regnamespace('contactsync')::oid AND c.relkind = 'v'
UNION ALL
SELECT DISTINCT 'function', p.proname::text
  FROM pg_proc p
 WHERE p.pronamespace = to_regnamespace('contactsync')::oid

-- name: functions
-- Every signature of some functions of ours, quoted. $1 their names.
SELECT p.oid::regprocedure::text
  FROM pg_proc p
 WHERE p.pronamespace = to_regnamespace('contactsync')::oid AND p.proname = ANY ($1::text[])

-- name: granted
-- Whether a role can do what it was granted: GRANT only warns where whoever runs
-- it may not give a right away. $1 the role, $2 the table's oid, $3 a column that it
-- reads, $4 one that it writes; '' for a role that writes none.
SELECT has_schema_privilege($1::name, 'contactsync', 'USAGE')
   AND has_column_privilege($1::name, $2::oid, $3::text, 'SELECT')
   AND has_table_privilege($1::name, 'contactsync.failures', 'SELECT')
   AND ($4::text = ''
        OR has_column_privilege($1::name, $2::oid, nullif($4::text, ''), 'UPDATE')
           AND has_table_privilege($1::name, 'contactsync.claims', 'INSERT')
           AND has_sequence_privilege($1::name, 'contactsync.cycles_id_seq', 'USAGE'))

-- name: records_hidden
-- Whether row security keeps what `migrate up` recorded from this role, and who that is.
SELECT coalesce(row_security_active(to_regclass('contactsync.installed'))
             OR row_security_active(to_regclass('contactsync.goose_db_version')), false),
       current_user::text

-- name: own_secured
-- The tables of contactsync that have row security on.
SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'contactsync' AND c.relkind = 'r' AND c.relrowsecurity
 ORDER BY 1

-- name: followed
-- The tables that carry what `migrate up` put on the app's, whatever they are called by
-- now: a trigger that runs a function of ours, or an index that was recorded; or the one
-- that has columns where they stood: both may have been taken off for a while. $1 the names
-- of the indexes, $2 the oid, $3 the numbers of the columns, $4 their names.
SELECT c.oid, c.relkind::text, n.nspname::text, format('%I.%I', n.nspname, c.relname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
   AND NOT c.relispartition
   AND (c.oid = $2::oid AND EXISTS (SELECT FROM unnest($3::int[], $4::text[]) AS p (number, name)
                                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.number AND a.attname = p.name)
        OR EXISTS (SELECT FROM pg_trigger t
                  JOIN pg_proc p ON p.oid = t.tgfoid
                 WHERE t.tgrelid = c.oid AND p.pronamespace = to_regnamespace('contactsync'))
        OR EXISTS (SELECT FROM pg_index x
                     JOIN pg_class i ON i.oid = x.indexrelid
                    WHERE x.indrelid = c.oid AND i.relname = ANY ($1::text[])))
 ORDER BY 1

-- name: own_tables
-- The tables of contactsync that are there. $1 their names.
SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'contactsync' AND c.relkind = 'r' AND c.relname = ANY ($1::text[])
 ORDER BY 1
