DELETE FROM contactsync.installed WHERE kind = 'index'
