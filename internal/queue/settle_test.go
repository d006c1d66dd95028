package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// What a settle makes of a row that is still Processing.
func TestSettle(t *testing.T) {
	t.Parallel()
	retry := contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError, Message: "503 try later", HTTPStatus: 503, CorrelationID: "abc"}
	forgiving := contact.Outcome{Verdict: contact.Retry, Code: contact.CodeUnauthorized, Message: "401 Unauthorized", Forgiving: true}
	linear := func(o *Options) { o.Exponential = false }
	tests := []struct {
		name    string
		before  string // SQL: what the row is like when it is claimed
		change  func(*Options)
		outcome contact.Outcome
		row     string
		final   contact.Final
	}{
		{"synced", "", nil, synced, "Complete Complete tries=0 - 77 unscheduled", "synced"},
		{"synced after a retry", "retry_count = 2, next_retry_at = now(), hubspot_error_code = 'TIMEOUT', hubspot_processing_error = 'x'", nil, synced, "Complete Complete tries=2 - 77 unscheduled", "synced"},
		{"first retry", "", nil, retry, "Queued Queued tries=1 SERVER_ERROR - in 5min", "retry"},
		{"second retry", "retry_count = 1", nil, retry, "Queued Queued tries=2 SERVER_ERROR - in 10min", "retry"},
		{"third retry", "retry_count = 2", nil, retry, "Queued Queued tries=3 SERVER_ERROR - in 20min", "retry"},
		{"linear", "retry_count = 1", linear, retry, "Queued Queued tries=2 SERVER_ERROR - in 10min", "retry"},
		{"linear third", "retry_count = 2", linear, retry, "Queued Queued tries=3 SERVER_ERROR - in 15min", "retry"},
		{"budget spent", "retry_count = 3", nil, retry, "Error Error tries=3 SERVER_ERROR - unscheduled", "exhausted"},
		{"no budget at all", "", func(o *Options) { o.MaxRetries = 0 }, retry, "Error Error tries=0 SERVER_ERROR - unscheduled", "exhausted"},
		{"forgiving at the maximum", "retry_count = 3", linear, forgiving, "Queued Queued tries=3 UNAUTHORIZED - in 20min", "retry"},
		{"rejected", "", nil, contact.Outcome{Verdict: contact.Reject, Code: contact.CodeInvalidEmail, Message: "bad"}, "Error Error tries=0 INVALID_EMAIL - unscheduled", "reject"},
		{"released", "retry_count = 1, hubspot_error_code = 'TIMEOUT'", nil, contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeDailyLimit}, "Queued Queued tries=1 TIMEOUT - unscheduled", "unspent"},
		{"retry_count NULL", "retry_count = NULL", nil, retry, "Queued Queued tries=1 SERVER_ERROR - in 5min", "retry"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.queued(1)[0]
			if test.before != "" {
				b.exec(`SET contactsync.worker = 'on'`) // or the trigger would give a fresh budget
				b.exec(`UPDATE contacts SET ` + test.before)
			}
			var change []func(*Options)
			if test.change != nil {
				change = append(change, test.change)
			}
			// Jitter is ±10 %, and minutes are rounded: 20 min may read 18 to 22.
			q := b.leader(0, append(change, func(o *Options) { o.RetryDelay = 5 * time.Minute })...)
			done, rest := settle(t, q, claim(t, q, 1), test.outcome)
			if len(done) != 1 || done[0].Final != test.final || len(rest.Contacts) != 0 {
				t.Errorf("settled %+v, rest %+v, want one %s", done, rest, test.final)
			}
			got := b.row(id)
			want := test.row
			if i := strings.Index(want, "in "); i >= 0 {
				var asked, real int
				if _, err := fmt.Sscanf(want[i:], "in %dmin", &asked); err != nil {
					t.Fatal(err)
				}
				if _, err := fmt.Sscanf(got[strings.LastIndex(got, "in "):], "in %dmin", &real); err != nil {
					t.Fatalf("row is %q, want %q", got, want)
				}
				if 10*real < 9*asked-5 || 10*real > 11*asked+5 {
					t.Errorf("due in %d min, want %d ±10 %%", real, asked)
				}
				got, want = got[:strings.LastIndex(got, "in ")], want[:i]
			}
			if got != want {
				t.Errorf("row is %q, want %q", got, want)
			}
			if n := b.claims(); n != "0" {
				t.Errorf("%s claims left", n)
			}
			if len(q.active) != 0 {
				t.Errorf("cycles %v count as active after their settle", q.active)
			}
		})
	}
}

func TestSettleTellsPeopleWhatHappened(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	id := b.queued(1)[0]
	b.exec(`SET contactsync.worker = 'on'`)
	b.exec(`UPDATE contacts SET retry_count = 3`)
	q := b.leader(0)
	long := "503 Service Unavailable \x00" + strings.Repeat("ü", 600) + "\xff"
	settle(t, q, claim(t, q, 1), contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError, Message: long, HTTPStatus: 503, CorrelationID: "abc"})
	got := b.ask(`SELECT hubspot_processing_error FROM contacts WHERE id = $1`, id)
	if want := "Max retries exceeded (3). Last error: 503 Service"; !strings.HasPrefix(got, want) || len([]rune(got)) != 500 {
		t.Errorf("error is %q, want 500 characters that begin with %q", got, want)
	}
	got = b.ask(`SELECT concat_ws(' ', attempt, code, http_status, correlation_id) FROM contactsync.failures WHERE contact_id = $1`, id)
	if got != "4 SERVER_ERROR 503 abc" {
		t.Errorf("failure %q", got)
	}
	got = b.ask(`SELECT concat_ws(' ', last_failed_crm, last_retry_at IS NOT NULL) FROM contacts WHERE id = $1`, id)
	if got != "hubspot t" {
		t.Errorf("last failure %q", got)
	}
}

// Whatever the app made of a row in flight stays, the HubSpot id is stored, and
// the claim goes in every case.
func TestSettleLeavesWhatTheAppDid(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, app, row string }{
		{"queued again", `UPDATE contacts SET hubspot_processing_status = 'Queued', name = 'newer'`, "Queued Processing tries=0 - 77 unscheduled"},
		{"completed by hand", `UPDATE contacts SET hubspot_processing_status = 'Complete'`, "Complete Processing tries=0 - 77 unscheduled"},
		{"given up by hand", `UPDATE contacts SET hubspot_processing_status = 'Error', hubspot_sync_status = 'Skipped'`, "Error Skipped tries=0 - 77 unscheduled"},
		{"taken out", `UPDATE contacts SET hubspot_processing_status = NULL`, "Processing tries=0 - 77 unscheduled"},
		{"edited", `UPDATE contacts SET name = 'other'`, "Queued Queued tries=0 - 77 unscheduled"},
		{"edited elsewhere", `UPDATE contacts SET created_at = now()`, "Complete Complete tries=0 - 77 unscheduled"},
		{"queued again and overwritten by a save of the whole row", `UPDATE contacts SET hubspot_processing_status = 'Queued', name = 'newer'; UPDATE contacts SET hubspot_processing_status = 'Processing'`, "Queued Queued tries=0 - 77 unscheduled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.queued(1)[0]
			q := b.leader(0)
			batch := claim(t, q, 1)
			b.exec(test.app)
			settle(t, q, batch, synced)
			b.wantRow(id, test.row)
			if n := b.claims(); n != "0" {
				t.Errorf("%s claims left", n)
			}
			again := len(claim(t, q, 1).Contacts)
			if want := map[bool]int{true: 1}[strings.HasPrefix(test.row, "Queued")]; again != want {
				t.Errorf("%d claimed afterwards, want %d", again, want)
			}
		})
	}
}

func TestSettleOfADeletedRow(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	b.queued(2)
	q := b.leader(0)
	batch := claim(t, q, 2)
	b.exec(`DELETE FROM contacts WHERE id = $1`, batch.Contacts[0].ID)
	done, rest := settle(t, q, batch, synced)
	if len(done) != 2 || len(rest.Contacts) != 0 {
		t.Errorf("settled %+v, rest %+v", done, rest)
	}
	if n := b.claims(); n != "0" {
		t.Errorf("%s claims left", n)
	}
}

// Rows that an app holds locked keep nobody waiting: the others are settled,
// these later.
func TestSettleNeverWaitsForAnApp(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	ids := b.queued(10)
	q := b.leader(0)
	batch := claim(t, q, 10)
	tx, err := b.app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE contacts SET created_at = now() WHERE id = $1`, ids[4]); err != nil {
		t.Fatal(err)
	}
	done, rest := settle(t, q, batch, synced) // would hang here
	if len(done) != 9 || len(rest.Contacts) != 1 || rest.Contacts[0].ID != ids[4] {
		t.Fatalf("settled %d, rest %+v; want nine and the held one", len(done), rest.Contacts)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if done, rest, err = q.Settle(t.Context(), rest); err != nil || len(done) != 1 || len(rest.Contacts) != 0 {
		t.Errorf("then settled %+v, rest %+v, %v", done, rest, err)
	}
	b.wantRow(ids[4], "Complete Complete tries=0 - 77 unscheduled")
	if got := b.ask(`SELECT concat_ws(' ', claimed, synced, created, requests) FROM contactsync.cycles`); got != "10 10 10 1" {
		t.Errorf("cycle recorded as %q, want 10 10 10 1", got)
	}
}

// An app and a settle that meet at two rows, in either order, must not wait for
// each other in a circle.
func TestSettleNeverDeadlocks(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	ids := b.queued(2)
	q := b.leader(0)
	batch := claim(t, q, 2)
	tx, err := b.app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{ids[1], ids[0]} {
		if _, err := tx.Exec(t.Context(), `UPDATE contacts SET name = 'app' WHERE id = $1`, id); err != nil {
			t.Fatalf("the app's statement %d: %v", i+1, err)
		}
		if i == 0 { // between the app's two rows
			done, rest := settle(t, q, batch, synced)
			if len(done) != 1 || len(rest.Contacts) != 1 {
				t.Fatalf("settled %d, %d left", len(done), len(rest.Contacts))
			}
			batch = rest.Batch
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if done, _ := settle(t, q, batch, synced); len(done) != 1 {
		t.Errorf("settled %+v after the app's commit", done)
	}
}

// A settle under a claim that is no longer ours must not touch the row.
func TestSettleIsFencedByTheClaim(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	id := b.queued(1)[0]
	old := b.leader(0)
	batch := claim(t, old, 1)
	b.exec(`DELETE FROM contactsync.claims`) // as a rescue does
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued'`)
	fresh := b.leader(1)
	claim(t, fresh, 1)
	done, _ := settle(t, old, batch, synced)
	if len(done) != 1 || done[0].Final != contact.Lost {
		t.Errorf("settled %+v, want Lost", done)
	}
	b.wantRow(id, "Processing Processing tries=0 - - unscheduled")
	if n := b.claims(); n != "1" {
		t.Errorf("%s claims, want the new leader's", n)
	}
}
