-- Take contactsync's triggers off, to compare with a table that has none.
DROP TRIGGER zz_contactsync_fresh ON contacts;
DROP TRIGGER zz_contactsync_fresh_again ON contacts;
DROP TRIGGER contactsync_bell_insert ON contacts;
