-- What columns of a table are made of. A domain counts as what it is over, an
-- array as its elements. $1 their names; the rows come in that order. $2 the table.
WITH RECURSIVE wanted AS (
    SELECT w.name, w.place, a.attrelid, a.attnum, a.atttypid, format_type(a.atttypid, a.atttypmod) AS declared
      FROM unnest($1::text[]) WITH ORDINALITY AS w (name, place)
      LEFT JOIN pg_attribute a
        ON a.attrelid = to_regclass($2)::oid AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped
), layers (place, oid, listed) AS (
    SELECT place, atttypid, false FROM wanted
     UNION ALL
    SELECT l.place,
           CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,
           l.listed OR t.typtype <> 'd'
      FROM layers l
      JOIN pg_type t ON t.oid = l.oid
     WHERE t.typtype = 'd' OR t.typcategory = 'A' AND t.typelem <> 0 AND NOT l.listed
)
SELECT w.name,
       w.attnum IS NOT NULL AS found,
       coalesce(w.declared, '') AS declared,
       coalesce(has_column_privilege(w.attrelid, w.attnum, 'SELECT'), false) AS readable,
       coalesce(format_type(t.oid, NULL), '') AS base,
       coalesce(t.typtype = 'e' OR t.typcategory = 'S', false) AS textual,
       coalesce(l.listed, false) AS listed
  FROM wanted w
  LEFT JOIN (layers l JOIN pg_type t ON t.oid = l.oid AND t.typtype <> 'd' AND (t.typcategory <> 'A' OR l.listed)) USING (place)
 ORDER BY w.place
