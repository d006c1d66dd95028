package queue

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// A claim passes over rows that an app holds locked, fresh ones and due retries,
// and takes the others at once.
func TestClaimNeverWaitsForAnApp(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	ids := b.queued(4)
	b.exec(`UPDATE contacts SET next_retry_at = now() - interval '1 minute' WHERE id = ANY ($1::text[]::uuid[])`, ids[:2])
	q := b.leader(0)
	pid := pidOf(t, q)
	tx, err := b.app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM contacts WHERE id = ANY ($1::text[]::uuid[]) FOR UPDATE`, []string{ids[0], ids[2]}); err != nil {
		t.Fatal(err)
	}
	claimed := make(chan int, 1)
	failed := make(chan error, 1)
	go func() {
		batch, err := q.Claim(t.Context(), contact.InOrder(4))
		failed <- err
		claimed <- len(batch.Contacts)
	}()
	watcher := connect(t, b.url, false)
	for end := time.Now().Add(deadline); len(claimed) == 0; {
		var waits bool
		if err := watcher.QueryRow(t.Context(), `SELECT cardinality(pg_blocking_pids($1)) > 0`, pid).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		if waits || time.Now().After(end) {
			t.Error("the claim waits for a row that an app holds locked")
			break
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if n := <-claimed; n != 2 && !t.Failed() {
		t.Errorf("%d claimed, want the two rows that nobody holds", n)
	}
}

// pidOf is the server process of a leader's session.
func pidOf(t *testing.T, q *Queue) (pid int) {
	t.Helper()
	err := q.session.Do(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid)
	})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
