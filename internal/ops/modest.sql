-- What is written here is worth neither a wait for a lock nor one for the disk. For
-- this transaction alone.
SELECT set_config('lock_timeout', '500ms', true), set_config('synchronous_commit', 'off', true)
