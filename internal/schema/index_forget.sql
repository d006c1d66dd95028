-- $1 names of indexes that are gone, without the schema.
DELETE FROM contactsync.installed i
 USING unnest($1::text[]) AS gone (name)
 WHERE i.kind = 'index' AND right(i.name, length(gone.name) + 1) = '.' || gone.name
