-- How long the cycles took together, from the first claim to the last settle, in
-- seconds, and how many contacts they synced.
SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8, sum(synced)::float8 FROM contactsync.cycles
