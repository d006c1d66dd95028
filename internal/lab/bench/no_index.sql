-- Take contactsync's indexes off, to compare with a table that has none.
DROP INDEX contacts_contactsync_queued, contacts_contactsync_retry, contacts_contactsync_in_work, contacts_contactsync_error;
