-- What `migrate up` looks at before it touches anything.

-- name: lacking
-- The rights that this role lacks to migrate. $1 the oid of the app's table, 0 where it
-- is to be created; $2 the schema that it is, or is to be, in.
SELECT format('CREATE on database %I', current_database())
 WHERE to_regnamespace('contactsync') IS NULL AND NOT has_database_privilege(current_database(), 'CREATE')
UNION ALL
SELECT 'CREATE and USAGE on schema contactsync'
  FROM pg_namespace n
 WHERE n.nspname = 'contactsync' AND NOT (has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE'))
UNION ALL
SELECT format('ownership of %I.%I, which is %I''s', n.nspname, c.relname, pg_get_userbyid(c.relowner))
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = $1::oid AND NOT pg_has_role(c.relowner, 'USAGE')
UNION ALL
SELECT format('CREATE on schema %I, for the indexes', n.nspname)
  FROM pg_namespace n
 WHERE n.nspname = $2::text AND NOT has_schema_privilege(n.oid, 'CREATE')

-- name: publications
-- The publications that would take what is added along, where a logical slot of this
-- database has them read: the name, whether it is of all tables, whether it publishes
-- the app's table with every column. $1 the table's oid. Which publications a slot is
-- for only its reader knows. Slots of Supabase's Realtime do not count: it is no table
-- that lacks columns, and as far as is known new ones do not stop it (not tried).
SELECT p.pubname::text,
       p.puballtables,
       EXISTS (SELECT FROM pg_publication_tables t
                 JOIN pg_namespace n ON n.nspname = t.schemaname
                 JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
                WHERE t.pubname = p.pubname
                  AND c.oid IN (SELECT $1::oid UNION ALL SELECT relid::oid FROM pg_partition_tree($1::oid::regclass)))
       AND NOT EXISTS (SELECT FROM pg_publication_rel r
                        WHERE r.prpubid = p.oid
                          AND r.prrelid IN (SELECT $1::oid UNION ALL SELECT relid::oid FROM pg_partition_tree($1::oid::regclass))
                          AND to_jsonb(r) ->> 'prattrs' IS NOT NULL), -- a list of columns, from PostgreSQL 15 on
       (SELECT string_agg(s.slot_name, ', ' ORDER BY s.slot_name)
          FROM pg_replication_slots s
         WHERE s.slot_type = 'logical' AND s.plugin = 'pgoutput' AND s.database = current_database()
           AND s.slot_name NOT LIKE 'supabase\_realtime%')
  FROM pg_publication p
 WHERE EXISTS (SELECT FROM pg_replication_slots s
                WHERE s.slot_type = 'logical' AND s.plugin = 'pgoutput' AND s.database = current_database()
                  AND s.slot_name NOT LIKE 'supabase\_realtime%')
 ORDER BY 1

-- name: schema_publications
-- The publications FOR TABLES IN SCHEMA, from PostgreSQL 15 on. $1 the schema.
SELECT p.pubname::text
  FROM pg_publication p
  JOIN pg_publication_namespace s ON s.pnpubid = p.oid
  JOIN pg_namespace n ON n.oid = s.pnnspid
 WHERE n.nspname = ANY ($1::text[])
 ORDER BY 1

-- name: subscriptions
-- The subscriptions that fill the app's table. $1 its oid.
SELECT DISTINCT s.subname::text
  FROM pg_subscription_rel r
  JOIN pg_subscription s ON s.oid = r.srsubid
 WHERE r.srrelid IN (SELECT $1::oid UNION ALL SELECT relid::oid FROM pg_partition_tree($1::oid::regclass))
 ORDER BY 1

-- name: checks
-- The CHECK constraints of a table, its partitions and children: the name, the table,
-- the condition, the columns in it, and the definition. $1 the table's oid. One that is
-- inherited is there once.
WITH RECURSIVE tree AS (
    SELECT $1::oid AS oid
     UNION
    SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid
)
SELECT quote_ident(c.conname),
       format('%I.%I', n.nspname, t.relname),
       pg_get_expr(c.conbin, c.conrelid),
       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) AS k JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k),
       pg_get_constraintdef(c.oid)
  FROM pg_constraint c
  JOIN tree ON tree.oid = c.conrelid
  JOIN pg_class t ON t.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE c.contype = 'c'
   AND c.conislocal
   AND NOT EXISTS (SELECT FROM unnest(c.conkey) AS k WHERE k <= 0)
   AND coalesce(to_jsonb(c) ->> 'conenforced', 'true') = 'true' -- from PostgreSQL 18 on
 ORDER BY 2, 1

-- name: generated
-- The generated columns of a table that are NOT NULL: the name, the table, what they are
-- generated from as a condition, and the columns in it. $1 the table's oid.
SELECT quote_ident(a.attname),
       format('%I.%I', n.nspname, t.relname),
       format('(%s) IS NOT NULL', pg_get_expr(d.adbin, d.adrelid)),
       ARRAY(SELECT DISTINCT x.attname::text
               FROM pg_depend p
               JOIN pg_attribute x ON x.attrelid = p.refobjid AND x.attnum = p.refobjsubid
              WHERE p.refclassid = 'pg_class'::regclass AND p.refobjid = t.oid AND x.attnum <> a.attnum
                AND (p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
                     OR p.classid = 'pg_class'::regclass AND p.objid = t.oid AND p.objsubid = a.attnum)), -- before PostgreSQL 15
       pg_get_expr(d.adbin, d.adrelid)
  FROM pg_attribute a
  JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  JOIN pg_class t ON t.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE a.attrelid = $1::oid AND a.attgenerated <> '' AND a.attnotnull AND NOT a.attisdropped
 ORDER BY a.attnum

-- name: partitions_by_value
-- How a table is divided, as a condition that one of its partitions takes a row: '', the
-- table, the condition, the columns in it, and the key. $1 the table's oid. No row where
-- it is not divided by columns, or a default partition takes the rest.
SELECT '',
       format('%I.%I', n.nspname, t.relname),
       (SELECT coalesce(string_agg(format('(%s)', pg_get_partition_constraintdef(i.inhrelid)), ' OR '), 'false')
          FROM pg_inherits i WHERE i.inhparent = t.oid),
       ARRAY(SELECT a.attname::text FROM unnest(p.partattrs) AS k JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k),
       pg_get_partkeydef(t.oid)
  FROM pg_partitioned_table p
  JOIN pg_class t ON t.oid = p.partrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE p.partrelid = $1::oid AND p.partdefid = 0
   AND NOT EXISTS (SELECT FROM unnest(p.partattrs) AS k WHERE k = 0)

-- name: lists
-- The foreign keys of one column: the name, the column, and the table and the column that
-- list its values. $1 the table's oid.
SELECT quote_ident(c.conname),
       a.attname::text,
       format('%I.%I', n.nspname, t.relname),
       quote_ident(b.attname)
  FROM pg_constraint c
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
  JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
  JOIN pg_class t ON t.oid = c.confrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE c.conrelid = $1::oid AND c.contype = 'f' AND cardinality(c.conkey) = 1
   AND c.conparentid = 0
 ORDER BY 1
