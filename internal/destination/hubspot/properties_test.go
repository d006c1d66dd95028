package hubspot

import (
	"maps"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

func TestValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10<<10)
	tests := []struct {
		name  string
		names PropertyNames
		in    contact.Contact
		want  map[string]string
	}{
		{"everything", names, contact.Contact{Email: "a@example.org", Name: "Ada Lovelace", Phone: "+1 555", DomainID: "d", PageID: "p"}, map[string]string{
			"firstname": "Ada", "lastname": "Lovelace", "phone": "+1 555", names.DomainID: "d", names.PageID: "p",
		}},
		{"nothing", names, contact.Contact{}, nil},
		{"blanks are nothing", names, contact.Contact{Name: " \t\n", Phone: "  ", DomainID: " ", PageID: "\u00a0"}, nil},
		{"one word", names, contact.Contact{Name: " Ada "}, map[string]string{"firstname": "Ada"}},
		{"first run of blanks", names, contact.Contact{Name: "  Ada \t King  of Lovelace "}, map[string]string{"firstname": "Ada", "lastname": "King  of Lovelace"}},
		{"blanks of other scripts", names, contact.Contact{Name: "山田\u3000太郎"}, map[string]string{"firstname": "山田", "lastname": "太郎"}},
		{"right to left", names, contact.Contact{Name: "שלום עולם"}, map[string]string{"firstname": "שלום", "lastname": "עולם"}},
		{"very long", names, contact.Contact{Name: long + " y"}, map[string]string{"firstname": long, "lastname": "y"}},
		{
			"extra columns",
			PropertyNames{Extra: []Extra{{Name: "jobtitle"}, {Name: "website"}, {Name: "company", Clear: true}, {Name: "city", Clear: true}}},
			contact.Contact{Extra: []string{" Chief ", " ", "", "Bern"}},
			map[string]string{"jobtitle": "Chief", "company": "", "city": "Bern"},
		},
		{"properties without a name", PropertyNames{}, contact.Contact{Name: "Ada", DomainID: "d", PageID: "p"}, map[string]string{"firstname": "Ada"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := maps.Clone(test.want)
			if want == nil {
				want = map[string]string{}
			}
			if test.names.SyncDate != "" {
				want[test.names.SyncDate] = "2026-10-01"
			}
			if got := test.names.values(test.in, today()); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestUnsendable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		email string
		code  contact.Code // empty: is sent
	}{
		{"", contact.CodeNoEmail},
		{" \t\n", contact.CodeNoEmail},
		{"a\x00b@example.org", contact.CodeInvalidEmail},
		{"a@example.org\x1b[0m", contact.CodeInvalidEmail},
		{"\xff@example.org", contact.CodeInvalidEmail},
		{" a@example.org\r\n", ""},
		{"no email at all", ""},
		{"zoë@example.org", ""},
	}
	for _, test := range tests {
		why, bad := unsendable(contact.Contact{Email: test.email})
		if bad != (test.code != "") || why.Code != test.code {
			t.Errorf("%q: %v %+v, want code %q", test.email, bad, why, test.code)
		}
		if bad && (why.Verdict != contact.Reject || why.Message == "") {
			t.Errorf("%q: %+v, want a Reject with a message", test.email, why)
		}
	}
}

// What arrives, and how it is addressed.
func TestUpsertSendsTheMappedSet(t *testing.T) {
	t.Parallel()
	for _, version := range api.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := overTheWire(t, simOptions(), func(o *Options) { o.Version, o.Today = version, today })
			report := p.Upsert(t.Context(), []contact.Contact{{
				Email: " Ada@Example.ORG ", Name: "Ada Lovelace", Phone: "+1 555", DomainID: "d-1", PageID: "p-1",
			}})
			check(t, report, "1 synced")
			received := p.Received()
			if len(received) != 1 || len(received[0].Inputs) != 1 || report.Requests != 1 {
				t.Fatalf("received %+v, want one request of one input; %d counted", received, report.Requests)
			}
			in := received[0].Inputs[0]
			want := map[string]string{
				"firstname": "Ada", "lastname": "Lovelace", "phone": "+1 555",
				names.DomainID: "d-1", names.PageID: "p-1", names.SyncDate: "2026-10-01",
			}
			if in.ID != "ada@example.org" || in.IDProperty != "email" || in.TraceID == "" || !maps.Equal(in.Properties, want) {
				t.Errorf("sent %+v, want %v", in, want)
			}
			stored, _ := p.Contact("ada@example.org")
			if o := report.Outcomes[0]; o.RemoteID != stored.ID || !o.Created {
				t.Errorf("outcome %+v, stored %+v", o, stored)
			}
		})
	}
}
