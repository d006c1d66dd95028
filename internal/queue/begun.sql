-- The contacts that HubSpot has under these keys. $1 destination, $2 keys.
SELECT key, coalesce(remote_id, '')
  FROM contactsync.sent
 WHERE destination = $1 AND key = ANY ($2::bytea[])
