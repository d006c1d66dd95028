-- Forget old bookkeeping, a bounded piece at a time. $1 after how many days. A
-- process that said nothing for a day is gone.
WITH old_cycles AS (
    DELETE FROM contactsync.cycles
     WHERE id = ANY (ARRAY(
               SELECT id FROM contactsync.cycles
                WHERE finished_at < now() - make_interval(days => $1::int)
                ORDER BY finished_at LIMIT 5000))
), old_failures AS (
    DELETE FROM contactsync.failures
     WHERE id = ANY (ARRAY(
               SELECT id FROM contactsync.failures
                WHERE at < now() - make_interval(days => $1::int)
                ORDER BY at LIMIT 5000))
), old_actions AS (
    DELETE FROM contactsync.actions
     WHERE id = ANY (ARRAY(
               SELECT id FROM contactsync.actions
                WHERE at < now() - make_interval(days => $1::int)
                ORDER BY at LIMIT 5000))
), old_sent AS ( -- so that every contact is sent once in a while
    DELETE FROM contactsync.sent
     WHERE ctid = ANY (ARRAY(
               SELECT ctid FROM contactsync.sent
                WHERE at < now() - make_interval(days => $1::int) AND key <> ''
                ORDER BY at LIMIT 5000))
), gone AS (
    DELETE FROM contactsync.replicas
     WHERE seen_at < now() - interval '1 day'
)
SELECT 1
