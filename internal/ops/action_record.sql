-- Note what a person did. $1 who, $2 via, $3 action, $4 contact, empty for none or
-- several, $5 detail, $6 rows.
INSERT INTO contactsync.actions (who, via, action, contact_id, detail, rows)
VALUES ($1, $2, $3, nullif($4::text, '')::uuid, left($5, 500), $6::int)
