package hubspot

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// brief is a change in a line.
func brief(c destination.Change) string {
	parts := []string{strings.TrimSpace(string(c.Effect) + " " + string(c.Code))}
	for _, f := range c.Fields {
		parts = append(parts, fmt.Sprintf("%s %q→%q", f.Name, f.Before, f.After))
	}
	return strings.Join(parts, ", ")
}

func preview(t *testing.T, p remote, batch []contact.Contact) []string {
	t.Helper()
	changes, err := p.Preview(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i, c := range changes {
		lines = append(lines, brief(c))
		if (c.Effect == destination.Rejects || c.Effect == destination.Unclear) && c.Message == "" {
			t.Errorf("contact %d: %s without a reason", i, c.Effect)
		}
	}
	if n := len(p.Writes()); n != 0 {
		t.Errorf("%d writes", n)
	}
	return lines
}

func TestPreview(t *testing.T) {
	t.Parallel()
	for _, version := range api.Versions() {
		p := overTheWire(t, simOptions(), func(o *Options) { o.Version, o.Today = version, today })
		p.Put("ann@example.org", map[string]string{"firstname": "Ann", "scrapersky_sync_date": "2026-10-01"})
		p.Put("bob@example.org", map[string]string{"firstname": "Robert", "phone": "+1 555", "lastname": "Old"})
		p.Put("main@example.org", map[string]string{"firstname": "Carl", "scrapersky_sync_date": "2026-09-30"})
		if err := p.AddSecondary("main@example.org", "second@example.org"); err != nil {
			t.Fatal(err)
		}
		p.Put("gone@example.org", nil)
		p.Archive("gone@example.org")
		got := preview(t, p, []contact.Contact{
			{Email: " Ann@Example.org ", Name: "Ann"},
			{Email: "bob@example.org", Name: "Bob", Phone: "+1 555"},
			{Email: "new@example.org", Name: "Dora Lee", DomainID: "d"},
			{Email: ""},
			{Email: "second@example.org", Name: "Carl"},
			{Email: "a\x00b@example.org"},
			{Email: "gone@example.org"},
		})
		wantLines(t, got,
			"unchanged",
			`updated, firstname "Robert"→"Bob", scrapersky_sync_date ""→"2026-10-01"`,
			`created, firstname ""→"Dora", lastname ""→"Lee", scrapersky_domain_id ""→"d", scrapersky_sync_date ""→"2026-10-01"`,
			"rejected NO_EMAIL",
			`updated, scrapersky_sync_date "2026-09-30"→"2026-10-01"`,
			"rejected INVALID_EMAIL",
			`created, scrapersky_sync_date ""→"2026-10-01"`,
		)
	}
}

// What a preview says is what the upsert then does.
func TestPreviewForetells(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), nil)
	batch := people(250)
	for i := range 120 {
		p.Put(batch[i].Email, map[string]string{"firstname": "Other"})
	}
	for i, line := range preview(t, p, batch) {
		if want := map[bool]string{true: "updated", false: "created"}[i < 120]; !strings.HasPrefix(line, want) {
			t.Errorf("contact %d: %s, want %s", i, line, want)
		}
	}
	if n := p.count("/batch/read"); n != 3 {
		t.Errorf("%d requests for 250 contacts, want 3", n)
	}
	for i, o := range p.Upsert(t.Context(), batch).Outcomes {
		if o.Created != (i >= 120) {
			t.Errorf("contact %d: created %v", i, o.Created)
		}
	}
	changes, err := p.Preview(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range changes {
		if c.Effect != destination.Nothing || c.RemoteID == "" {
			t.Errorf("contact %d after the upsert: %s", i, brief(c))
		}
	}
}

func TestPreviewOfBadAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer string
		want   string // of a known and an unknown contact; empty: an error
	}{
		"nothing at all": {`{}`, "unclear NOT_CONFIRMED | unclear NOT_CONFIRMED"},
		"half of it": {
			`{"results":[{"id":"1","properties":{"email":"a@example.org"}}]}`, "updated | unclear NOT_CONFIRMED",
		},
		"others": {
			`{"results":[{"id":"1","properties":{"email":"x@example.org"}}]}`, "unclear NOT_CONFIRMED | unclear NOT_CONFIRMED",
		},
		"missing without a name": {
			`{"results":[{"id":"1","properties":{"email":"A@example.org"}}],"errors":[{"category":"OBJECT_NOT_FOUND"}]}`, "updated | created",
		},
		"missing in capitals": {
			`{"results":[],"errors":[{"context":{"ids":["A@EXAMPLE.ORG"]}}]}`, "created | unclear NOT_CONFIRMED",
		},
		"no JSON": {`<html>`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, api.Options{HTTP: &http.Client{Transport: canned{status: 200, body: test.answer}}}, nil)
			changes, err := c.Preview(t.Context(), []contact.Contact{{Email: "a@example.org", Name: "A"}, {Email: "b@example.org", Name: "B"}})
			if test.want == "" {
				if err == nil || changes != nil {
					t.Errorf("%v, %v, want an error alone", changes, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			a, _, _ := strings.Cut(brief(changes[0]), ",")
			b, _, _ := strings.Cut(brief(changes[1]), ",")
			if got := a + " | " + b; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// A contact that HubSpot refuses to read costs the others nothing.
func TestPreviewOfAPoisonContact(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), nil)
	batch := people(8)
	// The whole, its second half, and so on down to contact 7 alone.
	for _, skip := range []int{0, 1, 1, 1} {
		p.Inject(hubspotsim.Fault{Path: "/batch/read", Status: 400, Skip: skip, Times: 1})
	}
	counts := map[string]int{}
	for _, line := range preview(t, p, batch) {
		verb, _, _ := strings.Cut(line, ",")
		counts[verb]++
	}
	if counts["created"] != 7 || counts["unclear INVALID_VALUE"] != 1 {
		t.Errorf("%v", counts)
	}
	p.ClearFaults()
	p.Inject(hubspotsim.Fault{Path: "/batch/read", Status: 401})
	if _, err := p.Preview(t.Context(), batch); err == nil || asAPIError(t, err).Code != contact.CodeUnauthorized {
		t.Errorf("error %v for a refused key", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	o := simOptions()
	o.RatePer10s, o.DailyLimit = 190, 1000
	p := overTheWire(t, o, nil)
	if l := p.Limits(); l.Daily.Left >= 0 || l.Rate.Left >= 0 {
		t.Errorf("%+v before any answer", l)
	}
	if _, err := p.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l := p.Limits(); l.Rate.Max != 190 || l.Rate.Left != 189 || l.Daily.Max != 1000 || l.Daily.Left != 999 {
		t.Errorf("%+v after one request", l)
	}
	l, e := p.api.DailyUsage(t.Context())
	if e != nil || l.Daily.Max != 1000 || l.Daily.Left != 998 || l.Daily.ResetsAt.IsZero() {
		t.Errorf("%+v, %v", l, e)
	}
}
