-- Whether the cycles synced so many contacts. $1 how many.
SELECT coalesce(sum(synced), 0) >= $1::int FROM contactsync.cycles
