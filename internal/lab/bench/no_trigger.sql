-- Take contactsync's triggers off, to compare with a table that has none.
DROP TRIGGER zz_contactsync_requeue ON contacts;
DROP TRIGGER zz_contactsync_requeue_named ON contacts;
DROP TRIGGER contactsync_doorbell_insert ON contacts;
