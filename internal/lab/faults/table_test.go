package faults

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
	leading "github.com/scrapersky/contactsync/internal/queue" // queue queues a contact here
	"github.com/scrapersky/contactsync/internal/statement"
)

// TestBloat measures claims on a table whose dead rows nobody may remove: a long
// transaction holds them back, autovacuum is off, and the queue has done many
// contacts since. Rows at rest cost a claim nothing. Of the rows that died since
// the transaction began it passes over each: what that costs is the figure.
func TestBloat(t *testing.T) {
	t.Parallel()
	rows := scaled(10_000, 100_000)
	in := progtest.Install(t)
	for _, table := range []string{"contacts", "contactsync.claims", "contactsync.cycles", "contactsync.failures"} {
		in.Exec(`ALTER TABLE ` + table + ` SET (autovacuum_enabled = off)`)
	}
	in.Exec(`INSERT INTO contacts (id, email, name, hubspot_processing_status, updated_at)
		SELECT md5(i::text)::uuid, 'c' || i || '@example.org', 'Name', 'Complete', now() - interval '1 day' FROM generate_series(1, $1::int) i`, rows)
	in.Exec(`ANALYZE contacts`)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=100", "HUBSPOT_RATE_LIMIT_PER_10S=1000", "LOG_LEVEL=warn"), "run")
	in.AwaitAsleep()

	fresh := claimsOn(in)
	t.Logf("%d rows at rest: %v", rows, fresh)
	const most = 50 // pages: the ways down two indexes, and their roots
	if fresh.buffers > most {
		t.Errorf("with %d rows at rest a claim touches %d pages, want at most %d", rows, fresh.buffers, most)
	}

	holder, err := in.Connect().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), `SELECT count(*) FROM contacts`); err != nil {
		t.Fatal(err)
	}
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
	in.AwaitFor(5*time.Minute, "0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IN ('Queued', 'Processing')`)
	if n, want := in.Sim.Stats().Writes, rows+len(fresh.wake); n != want {
		t.Errorf("%d writes, want %d", n, want)
	}
	t.Logf("a long transaction open, %d contacts queued and done: %s", rows, in.Ask(`SELECT format('all in %s s, the first tenth in %s s, the last in %s s',
		round(extract(epoch FROM max(finished_at) - min(started_at)), 1),
		round(extract(epoch FROM max(finished_at) FILTER (WHERE tenth = 1) - min(started_at) FILTER (WHERE tenth = 1)), 1),
		round(extract(epoch FROM max(finished_at) FILTER (WHERE tenth = 10) - min(started_at) FILTER (WHERE tenth = 10)), 1))
		FROM (SELECT *, ntile(10) OVER (ORDER BY id) AS tenth FROM contactsync.cycles) x`))
	bloated := claimsOn(in)
	t.Logf("and after that: %v", bloated)
	// Each dead row has an entry in the index and a place in the table, of which
	// many share a page.
	if bloated.buffers > rows {
		t.Errorf("with %d dead rows a claim touches %d pages", rows, bloated.buffers)
	}

	if err := holder.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	claimsOn(in) // marks the entries as dead
	t.Logf("the long transaction closed, not vacuumed: %v", claimsOn(in))
	in.Exec(`VACUUM contacts`)
	in.Exec(`VACUUM contactsync.claims`)
	t.Logf("vacuumed: %v", claimsOn(in))
}

// claims is what claims and the way to them take.
type claims struct {
	wake, claim, look []time.Duration
	buffers           int // pages that a claim touches
}

func (c claims) String() string {
	return fmt.Sprintf("UPDATE to request %s; claim %s, %d pages; last look %s", spread(c.wake), spread(c.claim), c.buffers, spread(c.look))
}

// claimsOn measures claims of one contact by a leader that sleeps.
func claimsOn(in *progtest.Installation) claims {
	in.Helper()
	var c claims
	arrivals := make(chan time.Time, 1000)
	defer in.Sim.OnArrival(func(r hubspotsim.Request) {
		if strings.HasSuffix(r.Path, "batch/upsert") {
			arrivals <- time.Now()
		}
	})()
	for range scaled(10, 100) {
		in.AwaitAsleep()
		began := time.Now()
		in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = md5('7')::uuid`)
		select {
		case at := <-arrivals:
			c.wake = append(c.wake, at.Sub(began))
		case <-time.After(progtest.Patience):
			in.Fatal("no request arrives")
		}
		in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE id = md5('7')::uuid`)
		var took time.Duration
		took, c.buffers = explain(in, "claim", pgx.NamedArgs{"most": 100, "slot": 0, "cycle": int64(1), "dead_after": 45.0, "destination": hubspot.Info.Name})
		c.claim = append(c.claim, took)
		took, _ = explain(in, "arm", pgx.NamedArgs{"destination": hubspot.Info.Name, "active": []int64{}})
		c.look = append(c.look, took)
	}
	return c
}

// explain runs a statement of internal/queue and takes it back: how long it took
// and how many pages it touched.
func explain(in *progtest.Installation, name string, args pgx.NamedArgs) (took time.Duration, buffers int) {
	in.Helper()
	explained := leading.Statements(statement.For(statement.Contacts(), hubspot.Info, hubspot.Info)).Named(name)
	tx, err := in.App.Begin(in.Context())
	if err != nil {
		in.Fatal(err)
	}
	defer func() { _ = tx.Rollback(in.Context()) }()
	sets := []string{"SET LOCAL contactsync.worker = 'on'"}
	for _, setting := range leading.PlannerOff() {
		sets = append(sets, "SET LOCAL "+setting+" = off")
	}
	for _, set := range sets {
		if _, err := tx.Exec(in.Context(), set); err != nil {
			in.Fatal(err)
		}
	}
	var text string
	if err := tx.QueryRow(in.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+explained.SQL, explained.Args(args)...).Scan(&text); err != nil {
		in.Fatal(err)
	}
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
		Execution float64 `json:"Execution Time"`
	}
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		in.Fatal(err)
	}
	return time.Duration(plans[0].Execution * float64(time.Millisecond)), plans[0].Plan.Hit + plans[0].Plan.Read
}
