package queue

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Begin notes what a cycle is about to send, before the first request leaves, and
// returns what need not be sent, because it is what was taken last under its key:
// the keys, and the contacts' remote ids. With force everything is sent. Settle
// notes how it ended; what ended in doubt, or was never settled, is not trusted
// again before it is sent again.
func (q *Queue) Begin(ctx context.Context, cycle int64, list []contact.Sending, force bool) (unchanged map[string]string, err error) {
	byKey := make(map[string]string, len(list)) // digest: key
	digests, hashes := make([][]byte, len(list)), make([][]byte, len(list))
	for i, s := range list {
		digests[i], hashes[i] = digest(s.Key), s.Hash
		byKey[string(digests[i])] = s.Key
	}
	begun := map[string]bool{}
	unchanged = map[string]string{}
	err = q.do(ctx, "note what is sent", func(ctx context.Context, conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		q.sql.Queue(batch, "begin", pgx.NamedArgs{
			"destination": q.name, "cycle": cycle, "keys": digests, "hashes": hashes, "force": force,
		}).Query(func(rows pgx.Rows) error {
			noted, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
			for _, d := range noted {
				begun[byKey[string(d)]] = true
			}
			return err
		})
		q.sql.Queue(batch, "begun", pgx.NamedArgs{"destination": q.name, "keys": digests}).Query(func(rows pgx.Rows) error {
			var d []byte
			var remoteID string
			_, err := pgx.ForEachRow(rows, []any{&d, &remoteID}, func() error {
				if key := byKey[string(d)]; !begun[key] {
					unchanged[key] = remoteID
				}
				return nil
			})
			return err
		})
		return conn.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(q.begun, func(c int64, _ map[string]bool) bool { return !slices.Contains(q.active, c) })
	q.begun[cycle] = begun
	return unchanged, nil
}

// finish queues the statement that notes how requests of a cycle ended. Noted is to
// be called when it has succeeded.
func (q *Queue) finish(batch *pgx.Batch, a contact.Answered) (noted func()) {
	begun := q.begun[a.Cycle]
	var keys [][]byte
	var taken []bool
	var remoteIDs []string
	ended := map[string]bool{} // rows with the same key have the same outcome
	for i, c := range a.Contacts {
		key, o := c.Key(), a.Outcomes[i]
		if !begun[key] || ended[key] || o.InDoubt {
			continue
		}
		ended[key] = true
		keys = append(keys, digest(key))
		taken = append(taken, o.Verdict == contact.Synced && o.RemoteID != "")
		remoteIDs = append(remoteIDs, printable(o.RemoteID))
	}
	if len(keys) > 0 {
		q.sql.Queue(batch, "finish", pgx.NamedArgs{
			"destination": q.name, "cycle": a.Cycle, "keys": keys, "taken": taken, "remote_ids": remoteIDs,
		})
	}
	return func() { maps.DeleteFunc(begun, func(key string, _ bool) bool { return ended[key] }) }
}

func digest(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}
