-- Take contactsync's indexes off, to compare with a table that has none.
DROP INDEX contacts_contactsync_fresh, contacts_contactsync_retry, contacts_contactsync_processing, contacts_contactsync_error;
