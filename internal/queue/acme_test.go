package queue

import (
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/statement"
)

// people is an app's table that shares nothing with the one that the SQL files are
// written for, and acme a destination that exists in tests alone.
var (
	people = statement.Table{Name: "app.people", ID: "bigint", Columns: map[string]string{
		"id": "person", "email": "Mail", "name": "full name", "phone_number": "version", "domain_id": "extra",
		"page_id": "place", "created_at": "born", "updated_at": "changed",
	}}
	acmeInfo = destination.Info{Name: "acme", Label: "Acme", Ordinal: 7, MaxBatch: 3, Columns: destination.Prefixed("acme", "acme_person_id")}
	acme     = statement.For(people, acmeInfo, hubspot.Info)
)

func toAcme(o *Options) { o.Target, o.Extra, o.Remember = acme, []string{"Score"}, true }

// newPeople returns a database with a dozen people who wait for both destinations.
func newPeople(t *testing.T) *bench {
	t.Helper()
	sql, err := os.ReadFile("testdata/people.sql")
	if err != nil {
		t.Fatal(err)
	}
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, string(sql))
	return benchOn(t, url)
}

// person returns what a person would look at; columns is those of the destination.
func (b *bench) person(id string, c destination.Columns) string {
	b.Helper()
	return b.ask(fmt.Sprintf(`SELECT concat_ws(' ', %s, %s, 'tries=' || %s, coalesce(%s, '-'), coalesce(%s, '-'),
		CASE WHEN %[6]s IS NULL THEN 'unscheduled' WHEN %[6]s <= now() THEN 'due' ELSE 'later' END) FROM app.people WHERE person = $1::text::bigint`,
		c.Status, c.Mirror, c.Tries, c.Code, c.RemoteID, c.DueAt), id)
}

func TestStatementsPrepareForAcme(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newPeople(t)
	b.exec(`ALTER TABLE app.people ADD COLUMN traceparent text`)
	for _, target := range []statement.Target{acme, statement.For(people, hubspot.Info, hubspot.Info)} {
		for name, stmt := range render(target, nil, true) {
			if _, err := b.app.Prepare(t.Context(), target.Destination.Name+name, stmt.SQL); err != nil {
				t.Errorf("%s of %s: %v\n%s", name, target.Destination.Name, err, stmt.SQL)
			}
		}
	}
}

// Everything that the queue does for a contact it does for acme in acme's columns, and
// HubSpot, which works on the same contacts at the same time, notices nothing.
func TestAcmeBesideHubSpot(t *testing.T) {
	t.Parallel()
	b := newPeople(t)
	other := b.leader(0, func(o *Options) { o.Target = statement.For(people, hubspot.Info, hubspot.Info) })
	atHubSpot := claim(t, other, 12) // HubSpot has all of them in flight
	const untouched = `SELECT md5(string_agg(ROW(hubspot_sync_status, hubspot_processing_status, hubspot_processing_error, hubspot_error_code,
		hubspot_contact_id, hubspot_synced_at, hubspot_queued_at, retry_count, next_retry_at, last_retry_at)::text, ' ' ORDER BY person))
		|| (SELECT string_agg(c::text, ' ' ORDER BY c.contact_id) FROM contactsync.claims c WHERE destination = 'hubspot') FROM app.people`
	before := b.ask(untouched)

	q := b.leader(0, toAcme) // the same number of a slot, another lock
	verdicts := []struct {
		outcome contact.Outcome
		want    string
	}{
		{contact.Outcome{Verdict: contact.Synced, RemoteID: "77", Created: true}, "Complete Complete tries=0 - 77 unscheduled"},
		{contact.Outcome{Verdict: contact.Unchanged}, "Complete Complete tries=0 - - unscheduled"},
		{contact.Outcome{Verdict: contact.Retry, Code: contact.CodeTimeout, Message: "504"}, "Queued Queued tries=1 TIMEOUT - later"},
		{contact.Outcome{Verdict: contact.Retry, Code: contact.CodeTimeout, Message: "504"}, "Error Error tries=3 TIMEOUT - unscheduled"},
		{contact.Outcome{Verdict: contact.Reject, Code: contact.CodeInvalidEmail}, "Error Error tries=0 INVALID_EMAIL - unscheduled"},
		{contact.Outcome{Verdict: contact.Unspent, PutOff: time.Hour}, "Queued Queued tries=0 - - later"},
		{contact.Outcome{Verdict: contact.Unspent, InDoubt: true, PutOff: time.Hour}, "Queued Queued tries=0 - - later"},
		{contact.Outcome{Verdict: contact.Synced, RemoteID: "78"}, "Queued Queued tries=0 - 78 unscheduled"}, // edited in flight
	}
	b.exec(`UPDATE app.people SET acme_retry_count = 3 WHERE person = 4`)
	batch := claim(t, q, len(verdicts))
	want := contact.Contact{
		ID: "1", Email: "p1@example.org", Name: "Name 1", Phone: "+1 1", DomainID: "1", PageID: "page 1", Extra: []string{"1.5"},
		UpdatedAt: batch.Contacts[0].UpdatedAt, Version: batch.Contacts[0].Version, Request: batch.Contacts[0].Request,
	}
	if got := batch.Contacts[0]; !reflect.DeepEqual(got, want) || got.UpdatedAt.IsZero() {
		t.Errorf("read %+v, want %+v", got, want)
	}
	var sending []contact.Sending
	answered := contact.Answered{Batch: batch, Report: contact.Report{Requests: 3}}
	for i, c := range batch.Contacts {
		sending = append(sending, contact.Sending{Key: c.Key(), Hash: []byte("V1")})
		answered.Outcomes = append(answered.Outcomes, verdicts[i].outcome)
	}
	if unchanged, err := q.Begin(t.Context(), batch.Cycle, sending, false); err != nil || len(unchanged) != 0 {
		t.Errorf("%v need no request, %v", unchanged, err)
	}
	if err := q.Touch(t.Context(), batch.Cycle); err != nil {
		t.Error(err)
	}
	b.exec(`UPDATE app.people SET "Score" = 99 WHERE person = 8`)
	done, rest, err := q.Settle(t.Context(), answered)
	if err != nil || len(done) != len(verdicts) || len(rest.Contacts) != 0 {
		t.Fatalf("settled %+v, rest %+v, %v", done, rest, err)
	}
	for i, v := range verdicts {
		if got := b.person(batch.Contacts[i].ID, acmeInfo.Columns); got != v.want {
			t.Errorf("%s is %q, want %q", v.outcome.Verdict, got, v.want)
		}
	}
	if got := b.ask(`SELECT concat_ws(' ', claimed, synced, retried, failed, released) FROM contactsync.cycles WHERE destination = 'acme'`); got != "8 2 1 2 2" {
		t.Errorf("cycle recorded as %q", got)
	}
	if got := b.ask(`SELECT string_agg(contact_id || ' ' || destination || ' ' || code, ', ' ORDER BY contact_id) FROM contactsync.failures`); got != "3 acme TIMEOUT, 4 acme TIMEOUT, 5 acme INVALID_EMAIL" {
		t.Errorf("failures %q", got)
	}
	if got := b.ask(`SELECT string_agg(contact_id || ' ' || (until IS NOT NULL), ', ') FROM contactsync.claims WHERE destination = 'acme'`); got != "7 true" {
		t.Errorf("claims %q, want the one in doubt", got)
	}
	if n, err := q.MakeDue(t.Context(), []contact.Code{contact.CodeTimeout}, 10); err != nil || n != 1 {
		t.Errorf("%d rows made due, %v", n, err)
	}
	if err := q.ShowPause(t.Context(), &contact.AccountPause{Code: contact.CodeDailyLimit, For: time.Hour}); err != nil {
		t.Error(err)
	}
	again := claim(t, q, 1) // the retry
	if len(again.Contacts) != 1 || again.Contacts[0].ID != "3" {
		t.Errorf("claimed %+v, want the due retry", again.Contacts)
	}

	die(t, q)
	b.exec(`UPDATE contactsync.claims SET claimed_at = claimed_at - interval '1 hour', until = until - interval '1 hour' WHERE destination = 'acme'`)
	b.exec(`UPDATE app.people SET acme_processing_status = 'Processing', changed = now() - interval '1 hour' WHERE person = 12`)
	next := b.leader(1, toAcme)
	if n := maintain(t, next); n != 2 {
		t.Errorf("%d rows requeued, want the dead leader's and the one that nobody works on", n)
	}
	if got := b.person("3", acmeInfo.Columns); got != "Queued Queued tries=2 WORKER_STOPPED - due" {
		t.Errorf("the rescued row is %q", got)
	}
	if taken, err := next.ClaimIDs(t.Context(), []string{"1", "12"}); err != nil || len(taken.Contacts) != 2 {
		t.Errorf("claimed by hand: %+v, %v", taken.Contacts, err)
	}
	if after := b.ask(untouched); after != before {
		t.Errorf("HubSpot's rows or claims changed:\n%s\n%s", before, after)
	}
	if done, rest := settle(t, other, atHubSpot, synced); len(done) != 12 || len(rest.Contacts) != 0 {
		t.Errorf("HubSpot settled %+v, rest %+v", done, rest.Contacts)
	}
}

// Rows that the app does not let be claimed end in Error, in acme's columns.
func TestAcmeRowsAreRejected(t *testing.T) {
	t.Parallel()
	b := newPeople(t)
	b.exec(`CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the app is against it''; END'`)
	b.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON app.people FOR EACH ROW
		WHEN (NEW.person = 2 AND NEW.acme_processing_status = 'Processing') EXECUTE FUNCTION app.refuse()`)
	if n := len(claim(t, b.leader(0, toAcme), 12).Contacts); n != 11 {
		t.Errorf("%d claimed beside one that is rejected, want 11", n)
	}
	if got := b.person("2", acmeInfo.Columns); got != "Error Error tries=0 OTHER - unscheduled" {
		t.Errorf("the rejected row is %q", got)
	}
	if got := b.person("2", hubspot.Info.Columns); got != "Queued Queued tries=0 - - unscheduled" {
		t.Errorf("for HubSpot it is %q", got)
	}
}

// Each destination has a doorbell of its own: both sleep at once, and who queues for one
// of them knows nothing of the other.
func TestAcmeHasItsOwnDoorbell(t *testing.T) {
	t.Parallel()
	b := newPeople(t)
	b.exec(`UPDATE app.people SET acme_processing_status = NULL, hubspot_processing_status = NULL`)
	q, other := b.leader(0, toAcme), b.leader(0, func(o *Options) { o.Target = statement.For(people, hubspot.Info, hubspot.Info) })
	tx, err := b.app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	var silent bool // as a trigger asks
	if err := tx.QueryRow(t.Context(), `SELECT pg_try_advisory_xact_lock_shared($1, $2)`, destination.LockClass, acmeInfo.Doorbell()).Scan(&silent); err != nil || !silent {
		t.Fatalf("a writer must ring while nobody sleeps (%v)", err)
	}
	if arm(t, q).Armed {
		t.Error("acme sleeps beside an open writer of its own")
	}
	if state := arm(t, other); !state.Armed || state.Due {
		t.Errorf("HubSpot is %+v beside a writer of acme's, want asleep", state)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.exec(`UPDATE app.people SET acme_processing_status = 'Queued' WHERE person = 1`)
	if state := arm(t, q); !state.Armed || !state.Due {
		t.Errorf("acme is %+v, want armed and due", state)
	}
	if state := arm(t, other); state.Due {
		t.Errorf("HubSpot is %+v, want nothing due", state)
	}
	ear := connect(t, b.url, false)
	if _, err := ear.Exec(t.Context(), `LISTEN `+destination.Channel); err != nil {
		t.Fatal(err)
	}
	if err := q.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustHear(t, ear)
	if got := b.ask(`SELECT string_agg(destination, ' ') FROM contactsync.slots`); got != "hubspot" {
		t.Errorf("slots of %q are led, want HubSpot's", got)
	}
}
