package queue

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/statement"
)

func (b *bench) desk() *ops.Store {
	b.Helper()
	pool, err := pgxpool.New(b.Context(), b.url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return ops.New(pool, statement.For(statement.Contacts(), hubspot.Info, hubspot.Info))
}

// An operator's hold: nobody claims anything, whatever he believed before, writers
// are not asked to ring, and what is in flight is settled.
func TestHold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desk := b.desk()
	ids := b.queued(6)
	b.exec(`UPDATE contacts SET next_retry_at = now() - interval '1 min', hubspot_error_code = 'TIMEOUT' WHERE id = ANY ($1::text[]::uuid[])`, ids[4:])
	first, second := b.leader(0), b.leader(1)
	flying := claim(t, first, 1)

	if already, err := desk.Pause(t.Context(), "ada", "deploy"); already || err != nil {
		t.Errorf("pause: %v, %v", already, err)
	}
	if already, err := desk.Pause(t.Context(), "bob", ""); !already || err != nil {
		t.Errorf("second pause: already is %v, %v", already, err)
	}
	for _, q := range []*Queue{first, second} {
		if n := len(claim(t, q, 10).Contacts); n != 0 {
			t.Errorf("%d contacts claimed during a hold", n)
		}
		if taken, err := q.claimOneByOne(t.Context(), 10); err != nil || len(taken.Contacts) != 0 {
			t.Errorf("%d contacts claimed one by one during a hold, %v", len(taken.Contacts), err)
		}
		for range 2 {
			state := arm(t, q)
			if state.Paused == nil || state.Armed || state.Due || state.Paused.Who != "ada" || state.Paused.Reason != "deploy" || state.Paused.Since.IsZero() {
				t.Errorf("the look says %+v, hold %+v", state, state.Paused)
			}
			if n := b.ask(`SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 1
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); n != "0" {
				t.Error("the doorbell is held during a hold")
			}
		}
	}
	settle(t, first, flying, synced)
	b.wantRow(flying.Contacts[0].ID, "Complete Complete tries=0 - 77 unscheduled")
	if by, err := second.ClaimIDs(t.Context(), ids[:1]); err != nil || len(by.Contacts) != 1 {
		t.Errorf("by hand %d contacts could be claimed during a hold, %v", len(by.Contacts), err)
	}

	if hold, err := desk.Hold(t.Context()); err != nil || hold == nil || hold.Who != "ada" {
		t.Errorf("hold is %+v, %v", hold, err)
	}
	for i, want := range []bool{true, false} {
		if was, err := desk.Resume(t.Context(), "bob"); was != want || err != nil {
			t.Errorf("resume %d: %v, %v", i, was, err)
		}
	}
	if n := len(claim(t, first, 10).Contacts); n != 4 {
		t.Errorf("%d contacts claimed after the hold, want 4", n)
	}
	if state := arm(t, first); state.Paused != nil {
		t.Errorf("held after the end: %+v", state)
	}
	if state := arm(t, first); !state.Armed {
		t.Error("the doorbell is not taken again")
	}
	if got := b.ask(`SELECT string_agg(concat_ws(' ', who, via, action, detail), ', ' ORDER BY id) FROM contactsync.actions`); got != "ada terminal pause deploy, bob terminal resume " {
		t.Errorf("recorded %q", got)
	}
}
