package faults

import (
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestAppQueues has an app do to rows at rest, or in back-off, what the contract
// allows: each is sent or left as the table in the design says.
func TestAppQueues(t *testing.T) {
	t.Parallel()
	const (
		backOff = `INSERT INTO contacts (email, name, hubspot_processing_status, retry_count, hubspot_error_code, hubspot_processing_error, next_retry_at)
			VALUES ($1, 'V1', 'Queued', 2, 'SERVER_ERROR', 'broken', now() + interval '1 hour')`
		rested = `INSERT INTO contacts (email, name, hubspot_processing_status, retry_count, hubspot_error_code, hubspot_processing_error)
			VALUES ($1, 'V1', 'Error', 3, 'SERVER_ERROR', 'broken')`
		done   = `INSERT INTO contacts (email, name, hubspot_processing_status, retry_count) VALUES ($1, 'V1', 'Complete', 1)`
		fresh  = `INSERT INTO contacts (email, name) VALUES ($1, 'V1')`
		update = `UPDATE contacts SET `
		where  = ` WHERE email = $1`
	)
	tests := []struct {
		name, email  string
		before, does string
		ends         end
	}{
		{"queues a new row", "a", fresh, update + `hubspot_processing_status = 'Queued'` + where, end{"Complete 0" + atRest, "V1"}},
		{"queues a row that is Complete", "b", done, update + `hubspot_processing_status = 'Queued'` + where, end{"Complete 0" + atRest, "V1"}},
		{"queues a row that is Error", "c", rested, update + `hubspot_processing_status = 'Queued'` + where, end{"Complete 0" + atRest, "V1"}},
		{"queues a row in back-off", "d", backOff, update + `hubspot_processing_status = 'Queued'` + where, end{"Complete 0" + atRest, "V1"}},
		{"edits and queues a row in back-off", "e", backOff, update + `name = 'V2', hubspot_processing_status = 'Queued'` + where, end{"Complete 0" + atRest, "V2"}},
		{"edits a row in back-off", "f", backOff, update + `name = 'V2'` + where, end{"Queued 2 SERVER_ERROR broken no id later", ""}},
		{"makes a row in back-off due", "g", backOff, update + `next_retry_at = now()` + where, end{"Complete 2" + atRest, "V1"}},
		{
			"queues a row in back-off for later", "h", backOff,
			update + `hubspot_processing_status = 'Queued', next_retry_at = now() + interval '2 hours'` + where,
			end{"Queued 0 - - no id later", ""},
		},
		{
			"queues a row for a time that has passed", "i", rested,
			update + `hubspot_processing_status = 'Queued', next_retry_at = now() - interval '1 hour'` + where,
			end{"Complete 0" + atRest, "V1"},
		},
		{"inserts with given values", "j", `SELECT $1::text`, `INSERT INTO contacts (email, name, hubspot_processing_status, retry_count, hubspot_error_code, next_retry_at)
			VALUES ($1, 'V1', 'Queued', 2, 'SERVER_ERROR', now() - interval '1 hour')`, end{"Complete 2" + atRest, "V1"}},
		{"inserts for later with given values", "k", `SELECT $1::text`, backOff, end{"Queued 2 SERVER_ERROR broken no id later", ""}},
		{"takes a row in back-off back", "l", backOff, update + `hubspot_processing_status = NULL` + where, end{"NULL 2 SERVER_ERROR broken no id later", ""}},
	}
	in := progtest.Install(t)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=1"), "run")
	for i := range tests {
		tests[i].email += "@example.org"
		in.Exec(tests[i].before, tests[i].email)
	}
	for _, test := range tests {
		in.AwaitAsleep()
		in.Exec(test.does, test.email)
	}
	for range 2 { // the second time nothing can be under way any more
		for _, test := range tests {
			in.Await(test.ends.row, rowOf(test.email))
		}
		in.AwaitAsleep()
	}
	for _, test := range tests {
		if sent := sentTo(in, test.email); sent != test.ends.sent {
			t.Errorf("the app %s: HubSpot got %q, want %q", test.name, sent, test.ends.sent)
		}
	}
}

// TestAppSchedules has an app queue contacts for a moment that is near: each is
// sent then, and not before.
func TestAppSchedules(t *testing.T) {
	t.Parallel()
	contacts := scaled(5, 100)
	in := progtest.Install(t)
	in.Start(in.Env(), "run")
	in.Exec(`INSERT INTO contacts (email, name) SELECT 'c' || i || '@example.org', 'Name' FROM generate_series(1, $1::int) i`, contacts)
	in.AwaitAsleep()
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued',
		next_retry_at = clock_timestamp() + interval '500 ms' + random() * interval '3 s'`)
	rows, err := in.App.Query(t.Context(), `SELECT email, next_retry_at FROM contacts`)
	if err != nil {
		t.Fatal(err)
	}
	due := map[string]time.Time{}
	for rows.Next() {
		var email string
		var at time.Time
		if err := rows.Scan(&email, &at); err != nil {
			t.Fatal(err)
		}
		due[email] = at
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status <> 'Complete'`)
	in.WantEachOnce(contacts)
	var late []time.Duration
	for _, w := range in.Sim.Writes() {
		late = append(late, w.Time.Sub(due[w.Email]))
		if w.Time.Before(due[w.Email]) {
			t.Errorf("%s was sent %v before its time", w.Email, due[w.Email].Sub(w.Time))
		}
	}
	t.Logf("sent after the time that was set: %s", spread(late))
}
