-- Take a process out of the list. $1 instance.
DELETE FROM contactsync.replicas WHERE instance = $1
