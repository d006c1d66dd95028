-- Whether any migration was ever applied, and the first one not undone.
SELECT to_regclass('contactsync.goose_db_version') IS NOT NULL
   AND to_regclass('contactsync.installed') IS NOT NULL
