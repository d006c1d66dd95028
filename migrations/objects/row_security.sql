-- What row security hides from whom. To a role that no policy lets in, a table is empty,
-- and the server says nothing: so status, doctor, `run` and the view below ask here.
-- All of it is read from the catalog, which row security does not hide.

-- A row for each table, the app's or our own, of which a role does not surely see every
-- row: by a permissive policy whose condition is true, for each command that is needed to
-- do the work or to look, and without a restrictive one. What other conditions let
-- through nobody can tell. Superusers, roles with BYPASSRLS and, without FORCE, the
-- owner see everything. The policies of partitions and of children do not count where
-- rows are reached by their parent, as they are here.
CREATE OR REPLACE FUNCTION contactsync.row_security(who oid, works bool) RETURNS TABLE (
    role        text,
    relation    text,    -- as SQL
    own         bool,    -- one of contactsync's
    every_row   bool,    -- is hidden, and not perhaps some
    commands    text[],  -- that are not surely let through
    restrictive text[])  -- policies that no other one outweighs
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
    SELECT r.rolname::text, format('%I.%I', n.nspname, t.relname), t.own, bool_or(NOT p.lets), array_agg(k.name ORDER BY k.place),
           coalesce(array_agg(DISTINCT p.restricts) FILTER (WHERE p.restricts <> ''), '{}')
      FROM pg_roles r,
           (SELECT x.oid, x.relname, x.relnamespace, x.relowner, x.relforcerowsecurity, false AS own
              FROM pg_class x WHERE x.oid = 'contacts'::regclass AND x.relrowsecurity
             UNION ALL
            SELECT x.oid, x.relname, x.relnamespace, x.relowner, x.relforcerowsecurity, true
              FROM pg_class x WHERE x.relnamespace = to_regnamespace('contactsync') AND x.relkind = 'r' AND x.relrowsecurity) AS t
      JOIN pg_namespace n ON n.oid = t.relnamespace,
           (VALUES (1, 'SELECT', 'r', true, true), (2, 'INSERT', 'a', false, true), (3, 'UPDATE', 'w', true, true), (4, 'DELETE', 'd', false, true))
               AS k (place, name, letter, of_contacts, of_own),
           LATERAL (SELECT count(*) FILTER (WHERE y.polpermissive AND y.condition <> 'false') > 0
                           AND count(*) FILTER (WHERE NOT y.polpermissive AND y.condition = 'false') = 0 AS lets,
                           count(*) FILTER (WHERE y.polpermissive AND y.open) > 0 AS opens,
                           coalesce(string_agg(quote_ident(y.polname), ', ' ORDER BY y.polname) FILTER (WHERE NOT y.polpermissive AND NOT y.open), '') AS restricts
                      FROM (SELECT z.polname, z.polpermissive,
                                   CASE k.letter WHEN 'a' THEN coalesce(e.checks, e.uses) ELSE e.uses END AS condition,
                                   CASE k.letter WHEN 'a' THEN coalesce(e.checks, e.uses) = 'true'
                                                 WHEN 'w' THEN e.uses = 'true' AND coalesce(e.checks, 'true') = 'true'
                                                 ELSE e.uses = 'true' END AS open
                              FROM pg_policy z,
                                   LATERAL (SELECT pg_get_expr(z.polqual, z.polrelid) AS uses, pg_get_expr(z.polwithcheck, z.polrelid) AS checks) AS e
                             WHERE z.polrelid = t.oid
                               AND z.polcmd::text IN ('*', k.letter)
                               AND EXISTS (SELECT FROM unnest(z.polroles) AS m WHERE m = 0 OR pg_has_role(r.oid, m, 'USAGE'))) AS y) AS p
     WHERE r.oid = who
       AND NOT r.rolsuper
       AND NOT r.rolbypassrls
       AND (t.relforcerowsecurity OR NOT pg_has_role(r.oid, t.relowner, 'USAGE'))
       AND CASE WHEN NOT works THEN k.letter = 'r' WHEN t.own THEN k.of_own ELSE k.of_contacts END
       AND (NOT p.opens OR p.restricts <> '')
     GROUP BY r.rolname, n.nspname, t.relname, t.own
     ORDER BY t.own, 2
$body$;

-- The same of whoever asks, who only looks, and of those who lead.
CREATE OR REPLACE FUNCTION contactsync.row_security() RETURNS TABLE (
    role text, relation text, own bool, every_row bool, commands text[], restrictive text[])
LANGUAGE sql STABLE AS $body$
    SELECT h.role, h.relation, h.own, h.every_row, h.commands, h.restrictive
      FROM (SELECT x.who, bool_or(x.leads) AS leads
              FROM (SELECT r.oid AS who, false AS leads FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
                     UNION ALL
                    -- Each destination has ten thousand keys for its locks; the slots begin at 100.
                    -- A login may become another role as soon as it is in.
                    SELECT coalesce((SELECT r.oid
                                       FROM pg_catalog.pg_db_role_setting e, unnest(e.setconfig) AS g (setting)
                                       JOIN pg_catalog.pg_roles r ON g.setting = 'role=' || r.rolname
                                      WHERE e.setrole IN (a.usesysid, 0) AND e.setdatabase IN (a.datid, 0)
                                      ORDER BY e.setdatabase DESC, e.setrole DESC
                                      LIMIT 1), a.usesysid), true
                      FROM pg_catalog.pg_locks l
                      JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
                     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = 1668507251
                       AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
                       AND l.objid::bigint % 10000 BETWEEN 100 AND 199) AS x
             GROUP BY x.who) AS w,
           LATERAL contactsync.row_security(w.who, w.leads) AS h
     ORDER BY h.own, h.role, h.relation
$body$;
