package hubspot

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func asAPIError(t *testing.T, err error) *api.Error {
	t.Helper()
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		t.Fatalf("error %v is a %T, want an *api.Error", err, err)
	}
	return e
}

func TestAccount(t *testing.T) {
	t.Parallel()
	for _, version := range api.Versions() {
		p := overTheWire(t, simOptions(), func(o *Options) { o.Version = version })
		details, e := p.api.Account(t.Context(), new(api.Usage))
		if e != nil || details.PortalID != testPortal || details.TimeZone != "America/New_York" {
			t.Errorf("%s: %+v, %v", version, details, e)
		}
		account, err := p.Account(t.Context())
		if err != nil || account.ID != "4242" || account.Name != "portal 4242" {
			t.Errorf("%s: %+v, %v", version, account, err)
		}
		if got, want := account.ContactURL("12"), "https://app.hubspot.com/contacts/4242/record/0-1/12"; got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		portalID int64
		fault    hubspotsim.Fault
		want     contact.Code // empty: it passes
	}{
		{"good", 0, hubspotsim.Fault{Path: "never"}, ""},
		{"the right portal", testPortal, hubspotsim.Fault{Path: "never"}, ""},
		{"another portal", testPortal + 1, hubspotsim.Fault{Path: "never"}, contact.CodeForbidden},
		{"a refused key", 0, hubspotsim.Fault{Status: 401}, contact.CodeUnauthorized},
		{"down", 0, hubspotsim.Fault{Status: 503}, contact.CodeServerError},
		{"wrong address", 0, hubspotsim.Fault{Status: 404}, contact.CodeNotFound},
		{"no account in it", 0, hubspotsim.Fault{Status: 200, Body: `{}`}, contact.CodeBadResponse},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := overTheWire(t, simOptions(), func(o *Options) { o.PortalID = test.portalID })
			p.Inject(test.fault)
			err := p.Probe(t.Context())
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := asAPIError(t, err); e.Code != test.want {
				t.Errorf("%+v, want %s", e, test.want)
			}
			if n := len(p.Writes()); n != 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

func TestPortalIsCheckedBeforeTheFirstWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		portalID int64
		fault    hubspotsim.Fault // of account-info
		want     string
		writes   bool
	}{
		{"the right one", testPortal, hubspotsim.Fault{Path: "never"}, "150 synced", true},
		{"another one", testPortal + 1, hubspotsim.Fault{Path: "never"}, "150 unspent FORBIDDEN, pause FORBIDDEN", false},
		{"a refused key", testPortal, hubspotsim.Fault{Status: 401}, "100 retry UNAUTHORIZED, 50 unspent UNAUTHORIZED, pause UNAUTHORIZED", false},
		{"no scope", testPortal, hubspotsim.Fault{Status: 403}, "100 retry FORBIDDEN, 50 unspent FORBIDDEN, pause FORBIDDEN", false},
		{"nobody tells", testPortal, hubspotsim.Fault{Status: 500}, "150 synced", true},
		{"nobody tells in time", testPortal, hubspotsim.Fault{Mode: hubspotsim.Cut}, "150 synced", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := overTheWire(t, simOptions(), func(o *Options) { o.PortalID = test.portalID })
			if test.fault.Path == "" {
				test.fault.Path = "account-info"
			}
			p.Inject(test.fault)
			report := p.Upsert(t.Context(), people(150))
			check(t, report, test.want)
			if writes := len(p.Writes()) > 0; writes != test.writes {
				t.Errorf("written: %v, want %v", writes, test.writes)
			}
			if report.Pause != nil && !report.Pause.Probe {
				t.Errorf("pause %+v, want one that is to be probed", report.Pause)
			}
		})
	}
}

func TestPortalIsCheckedOnceAndAfterARefusedKey(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), func(o *Options) { o.PortalID = testPortal })
	for range 3 {
		check(t, p.Upsert(t.Context(), people(1)), "1 synced")
	}
	if got := p.count("account-info"); got != 1 {
		t.Errorf("%d account checks, want 1", got)
	}
	p.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: 401, Times: 1})
	check(t, p.Upsert(t.Context(), people(1)), "1 retry UNAUTHORIZED, pause UNAUTHORIZED")
	check(t, p.Upsert(t.Context(), people(1)), "1 synced")
	if got := p.count("account-info"); got != 2 {
		t.Errorf("%d account checks, want 2", got)
	}
}

func TestWrongPortalNamesBoth(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), func(o *Options) { o.PortalID = 99 })
	report := p.Upsert(t.Context(), people(1))
	if r := report.Pause.Reason; !strings.Contains(r, "4242") || !strings.Contains(r, "99") {
		t.Errorf("reason %q does not name both portals", r)
	}
}

// The clock of a bubble starts at midnight UTC of 2000-01-01: the evening before
// in New York.
func TestDailyLimitLastsUntilMidnight(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer string // of account-info
		want   time.Duration
	}{
		{"time zone", "", 5*time.Hour + resetMargin},
		{"unknown time zone, but an offset", `{"portalId":1,"timeZone":"Mars/Olympus","utcOffsetMilliseconds":-3600000}`, time.Hour + resetMargin},
		{"only the usage tells", `{"portalId":1}`, 5*time.Hour + resetMargin},
		{"nobody tells", `{}`, time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := inMemory(t, simOptions(), nil)
				p.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.DailyLimit})
				if test.answer != "" {
					p.Inject(hubspotsim.Fault{Path: "/details", Status: 200, Body: test.answer})
				}
				report := p.Upsert(t.Context(), people(3))
				check(t, report, "3 unspent DAILY_LIMIT, pause DAILY_LIMIT")
				if report.Pause.For != test.want || report.Pause.Probe {
					t.Errorf("pause %+v, want %v without a probe", report.Pause, test.want)
				}
			})
		})
	}
}

// The real limit refuses everything, account-info too: what was learnt before
// tells when it ends, and then the contacts go through.
func TestDailyLimitReached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := simOptions()
		sim.DailyLimit = 2
		p := inMemory(t, sim, nil)
		if err := p.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(t, p.Upsert(t.Context(), people(1)), "1 synced")
		report := p.Upsert(t.Context(), people(1))
		check(t, report, "1 unspent DAILY_LIMIT, pause DAILY_LIMIT")
		if report.Requests != 1 {
			t.Errorf("%d requests, want 1: the time zone is known", report.Requests)
		}
		pass(t, report.Pause.For)
		check(t, p.Upsert(t.Context(), people(1)), "1 synced")
	})
}

func TestScopesAreNamed(t *testing.T) {
	t.Parallel()
	sim := simOptions()
	sim.Scopes = []string{"crm.objects.contacts.read"}
	p := overTheWire(t, sim, nil)
	report := p.Upsert(t.Context(), people(1))
	check(t, report, "1 retry FORBIDDEN, pause FORBIDDEN")
	if o := report.Outcomes[0]; !strings.HasPrefix(o.Message, "403 Forbidden: ") || !strings.Contains(o.Message, "crm.objects.contacts.write") || o.HTTPStatus != http.StatusForbidden {
		t.Errorf("outcome %+v does not name the scope", o)
	}
}
