// Package destinationtest holds what every destination must do, whatever CRM it
// speaks to. A new destination is one package and one call of Conformance.
package destinationtest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
)

// Remote is a destination with the strict simulator behind it.
type Remote struct {
	destination.Destination

	// Stored answers what the CRM holds under an email (as contact.Contact.Key
	// gives it): its own id, and the value of the given property of a contact
	// ("name" or "phone"); ok is false when it knows no such contact.
	Stored func(email string) (id, name, phone string, ok bool)

	// Writes answers how often the CRM wrote the contact of an email.
	Writes func(email string) int

	// Break makes the CRM misbehave until it is called again. The zero Fault
	// mends it.
	Break func(Fault)

	// Spoil makes the CRM misbehave at every request that holds the contact of an
	// email, and at no other, until Break is called.
	Spoil func(email string, f Fault)

	// ByRow says that rows are its keys: it takes a contact without an email, and does not
	// judge one that is a text.
	ByRow bool

	// Blind says that it can only be written to: nobody can ask whether the key is good,
	// and it does not say whether a contact is new. A pause ends with a contact then.
	Blind bool
}

// Fault is how a CRM can misbehave.
type Fault string

// The faults, each the CRM's own way of it.
const (
	None         Fault = ""
	Unauthorized Fault = "unauthorized"  // the key is refused
	Down         Fault = "down"          // every request is answered with a server error
	Silent       Fault = "silent"        // requests are taken and never answered
	LostResponse Fault = "lost response" // writes, then the connection breaks
)

// Conformance runs the tests; start gives each a fresh remote.
func Conformance(t *testing.T, start func(t *testing.T) Remote) {
	t.Helper()
	tests := []struct {
		name string
		test func(t *testing.T, r Remote)
	}{
		{"every contact gets its own outcome", ownOutcome},
		{"an empty batch is nothing to do", emptyBatch},
		{"a batch of any size", anySize},
		{"a second time updates", secondTime},
		{"a contact without an email is rejected alone", noEmail},
		{"a bad email costs nobody else", badEmail},
		{"texts of every kind arrive as they are", texts},
		{"a dead context sends nothing", deadContext},
		{"a cut request is released", cutRequest},
		{"a refused key pauses and spends no row's budget for good", refusedKey},
		{"an outage blames no row", outage},
		{"one row's fault is one row's", oneRowsFault},
		{"a lost response is in doubt, and sending again is harmless", lostResponse},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.test(t, start(t))
		})
	}
}

func people(n int) []contact.Contact {
	batch := make([]contact.Contact, n)
	for i := range batch {
		batch[i] = contact.Contact{
			ID:    fmt.Sprintf("00000000-0000-0000-0000-%012d", i),
			Email: fmt.Sprintf("Person%d@Example.org", i),
			Name:  fmt.Sprintf("Person Number%d", i),
		}
	}
	return batch
}

// upsert checks what holds for every answer.
func upsert(ctx context.Context, t *testing.T, r Remote, batch []contact.Contact) contact.Report {
	t.Helper()
	report := r.Upsert(ctx, batch)
	if len(report.Outcomes) != len(batch) {
		t.Fatalf("%d outcomes for %d contacts", len(report.Outcomes), len(batch))
	}
	for i, o := range report.Outcomes {
		switch {
		case o.Verdict == contact.Synced && o.RemoteID == "":
			t.Errorf("contact %d is synced without an id", i)
		case o.Verdict == contact.Synced && o.Code != "":
			t.Errorf("contact %d is synced with code %s", i, o.Code)
		case o.Verdict != contact.Synced && !slices.Contains(contact.Codes(), o.Code):
			t.Errorf("contact %d: code %q is not of the closed list", i, o.Code)
		case o.Verdict != contact.Synced && o.Message == "":
			t.Errorf("contact %d: %s without a message for people", i, o.Code)
		}
	}
	return report
}

func want(t *testing.T, report contact.Report, verdict contact.Verdict) {
	t.Helper()
	for i, o := range report.Outcomes {
		if o.Verdict != verdict {
			t.Errorf("contact %d: %s %s (%s), want %s", i, o.Verdict, o.Code, o.Message, verdict)
		}
	}
}

func ownOutcome(t *testing.T, r Remote) {
	t.Helper()
	batch := people(30)
	report := upsert(t.Context(), t, r, batch)
	want(t, report, contact.Synced)
	for i, c := range batch {
		id, name, _, ok := r.Stored(c.Key())
		if !ok || id != report.Outcomes[i].RemoteID || name != c.Name {
			t.Errorf("contact %d is stored as %q under id %q, its outcome says %q", i, name, id, report.Outcomes[i].RemoteID)
		}
		if !report.Outcomes[i].Created && !r.Blind {
			t.Errorf("contact %d is not reported as created", i)
		}
	}
	if report.Requests < 1 {
		t.Error("no request counted")
	}
}

func emptyBatch(t *testing.T, r Remote) {
	t.Helper()
	if report := upsert(t.Context(), t, r, nil); report.Requests != 0 || report.Pause != nil || report.Outage {
		t.Errorf("%+v, want nothing", report)
	}
}

func anySize(t *testing.T, r Remote) {
	t.Helper()
	batch := people(257)
	want(t, upsert(t.Context(), t, r, batch), contact.Synced)
	for _, c := range batch {
		if n := r.Writes(c.Key()); n != 1 {
			t.Errorf("%s written %d times, want once", c.Email, n)
		}
	}
}

func secondTime(t *testing.T, r Remote) {
	t.Helper()
	batch := people(3)
	first := upsert(t.Context(), t, r, batch)
	for i := range batch {
		batch[i].Name = "Changed Name"
	}
	second := upsert(t.Context(), t, r, batch)
	want(t, second, contact.Synced)
	for i, o := range second.Outcomes {
		if o.Created || o.RemoteID != first.Outcomes[i].RemoteID {
			t.Errorf("contact %d: %+v, want an update of %s", i, o, first.Outcomes[i].RemoteID)
		}
	}
	if _, name, _, _ := r.Stored(batch[0].Key()); name != "Changed Name" {
		t.Errorf("stored as %q", name)
	}
}

func noEmail(t *testing.T, r Remote) {
	t.Helper()
	batch := people(3)
	batch[1].Email = " \t"
	report := upsert(t.Context(), t, r, batch)
	if o := report.Outcomes[1]; !r.ByRow && (o.Verdict != contact.Reject || o.Code != contact.CodeNoEmail) {
		t.Errorf("%+v, want Reject NO_EMAIL", o)
	}
	if o := report.Outcomes[1]; r.ByRow && o.Verdict != contact.Synced {
		t.Errorf("%+v, want Synced: the row is the key", o)
	}
	for _, i := range []int{0, 2} {
		if o := report.Outcomes[i]; o.Verdict != contact.Synced {
			t.Errorf("contact %d: %+v, want Synced", i, o)
		}
	}
}

func badEmail(t *testing.T, r Remote) {
	t.Helper()
	batch := people(20)
	batch[7].Email = "not an email"
	batch[11].Email = "\x01\xff@example.org"
	report := upsert(t.Context(), t, r, batch)
	for i, o := range report.Outcomes {
		bad := i == 7 && !r.ByRow || i == 11
		if bad && (o.Verdict != contact.Reject || o.Code != contact.CodeInvalidEmail) {
			t.Errorf("contact %d: %+v, want Reject INVALID_EMAIL", i, o)
		}
		if !bad && o.Verdict != contact.Synced {
			t.Errorf("contact %d: %+v, want Synced", i, o)
		}
	}
}

func texts(t *testing.T, r Remote) {
	t.Helper()
	names := []string{
		`Robert'); DROP TABLE contacts;-- Tables`, `"Quoted" <b>Name</b>`, "Zoë 👩‍🚀 Example", "שלום עולם", "line\nbreak Name", `back\slash Name`,
	}
	stored := slices.Clone(names)
	stored[4] = "line break Name" // a name is parted at its first blank, of whatever kind
	batch := people(len(names))
	for i, name := range names {
		batch[i].Name = name
		batch[i].Phone = "+1 (555) 010-0000"
	}
	want(t, upsert(t.Context(), t, r, batch), contact.Synced)
	for i, c := range batch {
		_, name, phone, _ := r.Stored(c.Key())
		if name != stored[i] {
			t.Errorf("stored %q, want %q", name, stored[i])
		}
		if phone != c.Phone {
			t.Errorf("stored phone %q, want %q", phone, c.Phone)
		}
	}
}

func deadContext(t *testing.T, r Remote) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	batch := people(3)
	report := upsert(ctx, t, r, batch)
	want(t, report, contact.Unspent)
	for i, o := range report.Outcomes {
		if o.InDoubt {
			t.Errorf("contact %d is in doubt although nothing was sent", i)
		}
		if n := r.Writes(batch[i].Key()); n != 0 {
			t.Errorf("contact %d was written", i)
		}
	}
}

func cutRequest(t *testing.T, r Remote) {
	t.Helper()
	r.Break(Silent)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answered := make(chan contact.Report)
	go func() { answered <- r.Upsert(ctx, people(3)) }()
	cancel()
	report := <-answered
	want(t, report, contact.Unspent)
}

func refusedKey(t *testing.T, r Remote) {
	t.Helper()
	r.Break(Unauthorized)
	report := upsert(t.Context(), t, r, people(3))
	want(t, report, contact.Retry)
	for i, o := range report.Outcomes {
		if !o.Forgiving || o.Code != contact.CodeUnauthorized {
			t.Errorf("contact %d: %+v, want a forgiving UNAUTHORIZED", i, o)
		}
	}
	if report.Pause == nil || report.Pause.Probe == r.Blind || report.Pause.Reason == "" {
		t.Errorf("pause %+v, want one that is to be probed, if that can be", report.Pause)
	}
	if err := r.Probe(t.Context()); (err == nil) != r.Blind {
		t.Errorf("with a refused key the probe returns %v", err)
	}
	r.Break(None)
	if err := r.Probe(t.Context()); err != nil {
		t.Errorf("the probe fails with a good key: %v", err)
	}
	want(t, upsert(t.Context(), t, r, people(3)), contact.Synced)
}

func outage(t *testing.T, r Remote) {
	t.Helper()
	r.Break(Down)
	report := upsert(t.Context(), t, r, people(250))
	if !report.Outage {
		t.Error("not reported as an outage")
	}
	spent := 0
	for i, o := range report.Outcomes {
		switch o.Verdict {
		case contact.Retry:
			spent++
		case contact.Unspent:
		default:
			t.Errorf("contact %d: %+v, want a retry, or to be released", i, o)
		}
	}
	if spent == 0 || spent > 100 {
		t.Errorf("%d contacts spent an attempt, want those of one request", spent)
	}
	r.Break(None)
	want(t, upsert(t.Context(), t, r, people(250)), contact.Synced)
}

// One contact makes every request fail that it is in: whatever else is in the batch is
// synced, and the one pays for itself. Alone it is an outage, in which the account's own
// read goes through; and nobody's fault when that fails, too.
func oneRowsFault(t *testing.T, r Remote) {
	t.Helper()
	const at = 13
	batch := people(40)
	r.Spoil(batch[at].Key(), Down)
	report := upsert(t.Context(), t, r, batch)
	for i, o := range report.Outcomes {
		switch {
		case i == at && (o.Verdict != contact.Retry || o.Forgiving):
			t.Errorf("the culprit: %+v, want a retry that it pays for", o)
		case i != at && o.Verdict != contact.Synced:
			t.Errorf("contact %d: %+v, want it synced", i, o)
		}
	}
	if report.Outage || report.Pause != nil {
		t.Errorf("outage %t, pause %+v, want one row's fault", report.Outage, report.Pause)
	}
	if most := 2 * len(batch); report.Requests > most {
		t.Errorf("%d requests, want %d at most", report.Requests, most)
	}
	batch[at].FailedAlone = true
	if again := upsert(t.Context(), t, r, batch[at:at+1]); !again.Outage || again.Reachable == r.Blind || again.Outcomes[0].Verdict != contact.Retry {
		t.Errorf("alone: %+v, want an outage of its own", again)
	}
	r.Break(Down)
	if again := upsert(t.Context(), t, r, batch[at:at+1]); !again.Outage || again.Reachable {
		t.Errorf("alone, in a real outage: %+v", again)
	}
}

func lostResponse(t *testing.T, r Remote) {
	t.Helper()
	batch := people(2)
	r.Break(LostResponse)
	report := upsert(t.Context(), t, r, batch)
	want(t, report, contact.Retry)
	for i, o := range report.Outcomes {
		if !o.InDoubt {
			t.Errorf("contact %d: %+v, want it in doubt: it may have been written", i, o)
		}
	}
	r.Break(None)
	again := upsert(t.Context(), t, r, batch)
	want(t, again, contact.Synced)
	for i, o := range again.Outcomes {
		if id, _, _, _ := r.Stored(batch[i].Key()); id != o.RemoteID {
			t.Errorf("contact %d: two contacts instead of one", i)
		}
	}
}
