-- What the catalog says of the app's table and of what belongs to it. $1 is the table, as
-- it was configured.

-- name: privileges
-- What this role would have to be allowed and is not, for a worker's job. The
-- tables are found by their oids: by name they could not even be asked about
-- without USAGE on their schema. $2 the columns that are read, $3 those of them that are
-- written.
WITH ours AS (
    SELECT c.oid, c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'contactsync'
), readable AS (
    SELECT 'SELECT' AS what, a.attname, a.attrelid, a.attnum
      FROM pg_attribute a
     WHERE a.attname = ANY ($2::text[]) AND a.attrelid = to_regclass($1)::oid AND NOT a.attisdropped
), writable AS (
    SELECT 'UPDATE' AS what, a.attname, a.attrelid, a.attnum
      FROM readable a
     WHERE a.attname = ANY ($3::text[])
)
SELECT 'USAGE on schema ' || c.relnamespace::regnamespace || ' (or search_path does not lead to ' || $1 || ')' AS missing
  FROM pg_class c
 WHERE c.relname = (SELECT part FROM unnest(parse_ident($1)) WITH ORDINALITY AS x (part, place) ORDER BY place DESC LIMIT 1)
   AND c.relkind IN ('r', 'p') AND to_regclass($1) IS NULL
UNION ALL
SELECT 'USAGE on schema contactsync'
 WHERE NOT has_schema_privilege(to_regnamespace('contactsync')::oid, 'USAGE')
UNION ALL
SELECT c.what || ' of ' || $1 || ' (' || string_agg(c.attname, ', ' ORDER BY c.attnum) || ')'
  FROM (SELECT * FROM readable UNION ALL SELECT * FROM writable) c
 WHERE NOT has_column_privilege(c.attrelid, c.attnum, c.what)
 GROUP BY c.what
UNION ALL
SELECT w.privilege || ' on contactsync.' || ours.relname
  FROM (VALUES ('claims', 'SELECT'), ('claims', 'INSERT'), ('claims', 'UPDATE'), ('claims', 'DELETE'),
               ('doubts', 'SELECT'), ('doubts', 'INSERT'), ('doubts', 'UPDATE'), ('doubts', 'DELETE'),
               ('accounts', 'SELECT'), ('accounts', 'INSERT'),
               ('origins', 'SELECT'), ('origins', 'INSERT'), ('origins', 'UPDATE'),
               ('cycles', 'SELECT'), ('cycles', 'INSERT'), ('cycles', 'UPDATE'), ('cycles', 'DELETE'),
               ('refusals', 'SELECT'), ('refusals', 'INSERT'), ('refusals', 'UPDATE'), ('refusals', 'DELETE'),
               ('strays', 'SELECT'), ('strays', 'INSERT'), ('strays', 'DELETE'),
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
 WHERE p.pronamespace = to_regnamespace('contactsync')::oid
   AND p.proname ~ '(_(queue_state|problems)|^row_security)$'
   AND NOT has_function_privilege(p.oid, 'EXECUTE')

-- name: triggers
-- The triggers of contactsync on the table and its partitions.
SELECT t.tgname::text,
       t.tgrelid::regclass::text,
       t.tgenabled::text
  FROM pg_trigger t
  JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE p.pronamespace = to_regnamespace('contactsync')::oid
   AND t.tgrelid IN (SELECT to_regclass($1)::oid
                      UNION ALL
                     SELECT relid::oid FROM pg_partition_tree(to_regclass($1)))
 ORDER BY 2, 1

-- name: detached
-- Since when `migrate detach` has taken something off. $1 what: triggers or indexes.
SELECT at FROM contactsync.installed WHERE kind = 'detached' AND name = $1

-- name: untrusted
-- The schemas of search_path where a role may create things, an operator for one, that
-- every statement with that path may call instead of the one that it means: schema and
-- role; and for PUBLIC the table's owner, where it could not create there any more
-- without that right. All quoted. Trusted are superusers, the schema's owner, the table's
-- and who may act as it, and this role.
WITH owner AS (
    SELECT r.oid, r.rolname, r.rolsuper FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = to_regclass($1)::oid
)
SELECT quote_ident(n.nspname),
       CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END,
       CASE WHEN x.grantee = 0 THEN
           coalesce((SELECT quote_ident(o.rolname) FROM owner o
                      WHERE NOT o.rolsuper AND NOT pg_has_role(o.oid, n.nspowner, 'USAGE')
                        AND NOT EXISTS (SELECT FROM aclexplode(n.nspacl) AS y WHERE y.grantee = o.oid AND y.privilege_type = 'CREATE')), '')
       ELSE '' END
  FROM unnest(current_schemas(false)) AS s (name)
  JOIN pg_namespace n ON n.nspname = s.name
 CROSS JOIN aclexplode(n.nspacl) AS x
  LEFT JOIN pg_roles r ON r.oid = x.grantee
 WHERE x.privilege_type = 'CREATE'
   AND x.grantee <> n.nspowner
   AND (x.grantee = 0
        OR NOT r.rolsuper AND r.rolname <> current_user
           AND NOT EXISTS (SELECT FROM owner o WHERE pg_has_role(r.oid, o.oid, 'USAGE')))
 ORDER BY 1, 2

-- name: children
-- The tables that inherit from the table without being partitions, and the foreign
-- partitions: name, number, whether foreign, whether an index begins with the id ($2 its
-- name), its indexes, and those of our triggers that it lacks, as they would be made.
SELECT c.oid::regclass::text,
       c.oid,
       c.relkind = 'f',
       EXISTS (SELECT FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
                WHERE x.indrelid = c.oid AND x.indisvalid AND x.indpred IS NULL AND a.attname = $2),
       ARRAY(SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisvalid),
       ARRAY(SELECT regexp_replace(pg_get_triggerdef(t.oid), ' ON \S+ FOR EACH ROW ', format(' ON %s FOR EACH ROW ', c.oid::regclass))
               FROM pg_trigger t
               JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = to_regnamespace('contactsync')::oid
              WHERE t.tgrelid = h.inhparent
                AND NOT EXISTS (SELECT FROM pg_trigger k WHERE k.tgrelid = c.oid AND k.tgname = t.tgname)
              ORDER BY t.tgname)
  FROM pg_inherits h
  JOIN pg_class c ON c.oid = h.inhrelid
 WHERE h.inhparent = to_regclass($1)::oid AND (NOT c.relispartition OR c.relkind = 'f')
 ORDER BY 1

-- name: late_triggers
-- The triggers of others that still change a row when ours have seen it: row
-- triggers BEFORE UPDATE that come after them in the order of their names.
SELECT t.tgname::text, t.tgrelid::regclass::text, quote_ident(t.tgname), quote_ident('a_' || t.tgname)
  FROM pg_trigger t
  JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE p.pronamespace IS DISTINCT FROM to_regnamespace('contactsync')::oid
   AND t.tgrelid IN (SELECT to_regclass($1)::oid
                      UNION ALL
                     SELECT relid::oid FROM pg_partition_tree(to_regclass($1)))
   AND t.tgparentid = 0 -- a partition's goes with its parent's
   AND t.tgtype::int & 19 = 19 -- 1 for each row, 2 before, 16 update
   AND t.tgenabled <> 'D'
   AND t.tgname > 'zz_contactsync_requeue'
 ORDER BY 2, 1

-- name: indexes
-- The indexes of the queue: name, quoted name ('' where there is none), whether
-- it is valid, and whether the table is partitioned. $2 their names.
SELECT w.name,
       coalesce(i.oid::regclass::text, ''),
       coalesce(x.indisvalid AND x.indisready, false),
       t.relkind = 'p'
  FROM unnest($2::text[]) WITH ORDINALITY AS w (name, place)
  JOIN pg_class t ON t.oid = to_regclass($1)::oid
  LEFT JOIN (pg_index x JOIN pg_class i ON i.oid = x.indexrelid) ON x.indrelid = t.oid AND i.relname = w.name
 ORDER BY w.place

-- name: sizes
-- How large the indexes of the queue are, in bytes, with those of partitions,
-- and then the key of the claims. $2 their names.
SELECT w.name,
       x.indexrelid::regclass::text,
       coalesce((SELECT sum(pg_relation_size(p.relid)) FROM pg_partition_tree(x.indexrelid) AS p),
                pg_relation_size(x.indexrelid))::bigint
  FROM unnest($2::text[]) WITH ORDINALITY AS w (name, place)
  JOIN pg_class i ON i.relname = w.name
  JOIN pg_index x ON x.indexrelid = i.oid
 WHERE x.indrelid IN (to_regclass($1)::oid, to_regclass('contactsync.claims')::oid)
 ORDER BY w.place

-- name: workers
-- The roles that `migrate grant` gave a worker's rights, and that are still there.
SELECT i.name
  FROM contactsync.installed i
 WHERE i.kind = 'role' AND i.detail = 'worker'
   AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = i.name)
