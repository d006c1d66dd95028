-- What people with psql see of a pause by hand and of the processes. The new
-- columns come last, so that the view keeps its rights.

-- +goose Up
SET LOCAL lock_timeout = '3s';

CREATE OR REPLACE VIEW contactsync.status AS
SELECT now.*,
       (SELECT string_agg(concat(h.who, ' since ', date_trunc('second', h.since), ': ' || nullif(h.reason, '')), ', ' ORDER BY h.destination)
          FROM contactsync.holds h) AS held,
       -- A process writes itself down every 15 s.
       (SELECT string_agg(concat_ws(' ', r.instance, r.role, r.version), ', ' ORDER BY r.role DESC, r.started_at, r.instance)
          FROM contactsync.replicas r WHERE r.seen_at > now() - interval '45 s') AS replicas
  FROM contactsync.status_now() AS now;

-- +goose Down
SET LOCAL lock_timeout = '3s';
DROP VIEW contactsync.status;
CREATE VIEW contactsync.status AS SELECT * FROM contactsync.status_now();
