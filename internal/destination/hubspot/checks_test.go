package hubspot

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

const testKey = "pat-eu1-the-key-of-this-test"

// inspect makes the checks of an account, as a process that may send 100
// requests in 10 s and belongs to portal (0: any).
func inspect(t *testing.T, o hubspotsim.Options, portalID int64, broken func(*hubspotsim.Sim)) map[string]doctor.Result {
	t.Helper()
	if o.Token == "" {
		o.Token = testKey
	}
	sim := hubspotsim.New(o)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	if broken != nil {
		broken(sim)
	}
	direct := api.NewHTTPClient()
	t.Cleanup(direct.CloseIdleConnections)
	client, err := New(Options{
		Options:    api.Options{BaseURL: server.URL, Token: testKey, PortalID: portalID, HTTP: direct, RatePer10s: 1000},
		Properties: names,
	})
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]doctor.Result{}
	doctor.Run(t.Context(), client.Checks(100), func(r doctor.Result) {
		t.Logf("%s: %s: %s → %s", r.Name, r.Level, r.Found, r.Remedy)
		if strings.Contains(r.Found+r.Remedy, testKey) {
			t.Errorf("%s tells the key", r.Name)
		}
		results[r.Name] = r
	})
	if n := len(sim.Writes()); n != 0 {
		t.Errorf("%d writes", n)
	}
	return results
}

func allFine(t *testing.T, results map[string]doctor.Result, but string) {
	t.Helper()
	for name, r := range results {
		if r.Level != doctor.OK && name != but {
			t.Errorf("%s: %s: %s", name, r.Level, r.Found)
		}
		if (r.Level == doctor.Failed || r.Level == doctor.Warning) && r.Remedy == "" {
			t.Errorf("%s is %s without a remedy", name, r.Level)
		}
	}
}

func TestHealthyAccount(t *testing.T) {
	t.Parallel()
	results := inspect(t, hubspotsim.Options{PortalID: 42, RatePer10s: 190, DailyLimit: 1000}, 42, nil)
	allFine(t, results, "")
	if len(results) != 10 {
		t.Errorf("%d checks, want 10", len(results))
	}
	expect(t, results["limits"], doctor.OK, "of 1000 requests are left today", "")
	expect(t, results["portal"], doctor.OK, "42", "")
	allFine(t, inspect(t, hubspotsim.Options{}, 0, nil), "")
}

func TestEachAccountCheckFindsItsTrouble(t *testing.T) {
	t.Parallel()
	const read, write = "crm.objects.contacts.read", "crm.objects.contacts.write"
	tests := map[string]struct {
		options       hubspotsim.Options
		portal        int64
		broken        func(*hubspotsim.Sim)
		check         string
		level         doctor.Level
		found, remedy string
		alone         bool // everything else is fine
	}{
		"another portal": {
			options: hubspotsim.Options{PortalID: 42}, portal: 43,
			check: "portal", level: doctor.Failed, found: "belongs to portal 42, but HUBSPOT_PORTAL_ID is 43", remedy: "correct",
		},
		"a wrong key": {
			options: hubspotsim.Options{Token: "another"},
			check:   "key", level: doctor.Failed, found: "401 Unauthorized", remedy: "HUBSPOT_API_KEY",
		},
		"a wrong address": {
			broken: func(s *hubspotsim.Sim) { s.Inject(hubspotsim.Fault{Status: 404}) },
			check:  "key", level: doctor.Failed, found: "404", remedy: "HUBSPOT_API_BASE_URL",
		},
		"down": {
			broken: func(s *hubspotsim.Sim) { s.Inject(hubspotsim.Fault{Status: 503}) },
			check:  "key", level: doctor.Failed, found: "503", remedy: "status page",
		},
		"no scope to write": {
			options: hubspotsim.Options{Scopes: []string{read}}, alone: true,
			check: "scopes", level: doctor.Failed, found: "lacks " + write, remedy: "add",
		},
		"no scope to create properties": {
			options: hubspotsim.Options{Scopes: []string{read, write}}, alone: true,
			check: "scopes", level: doctor.OK, found: "without crm.schemas.contacts.write",
		},
		"no property": {
			options: hubspotsim.Options{}, broken: func(s *hubspotsim.Sim) { s.RemoveProperty("scrapersky_page_id") }, alone: true,
			check: "property scrapersky_page_id", level: doctor.Failed, found: "HubSpot has no property scrapersky_page_id (type string)", remedy: "contactsync setup",
		},
		"a property of another type": {
			broken: func(s *hubspotsim.Sim) {
				s.AddProperty(hubspotsim.Property{Name: "scrapersky_domain_id", Type: "number"})
			}, alone: true,
			check: "property scrapersky_domain_id", level: doctor.Failed, found: "scrapersky_domain_id: it is of type number, but string is wanted", remedy: "name another",
		},
		"a date that is text": {
			broken: func(s *hubspotsim.Sim) { s.AddProperty(hubspotsim.Property{Name: "scrapersky_sync_date"}) }, alone: true,
			check: "property scrapersky_sync_date", level: doctor.Warning, found: "it is of type string, but date is wanted", remedy: "name another",
		},
		"HubSpot's own property is read-only": {
			broken: func(s *hubspotsim.Sim) {
				s.AddProperty(hubspotsim.Property{Name: "phone", ReadOnly: true})
			}, alone: true,
			check: "property phone", level: doctor.Failed, found: "read-only", remedy: "support",
		},
		"the day is nearly used up": {
			options: hubspotsim.Options{DailyLimit: 1000},
			broken: func(s *hubspotsim.Sim) {
				s.Inject(hubspotsim.Fault{Path: "api-usage", Status: 200, Body: `{"results":[{"usageLimit":1000,"currentUsage":950,"resetsAt":"2030-01-01T00:00:00Z"}]}`})
			}, alone: true,
			check: "limits", level: doctor.Warning, found: "50 of 1000 requests are left today", remedy: "uses them up",
		},
		"the day is used up": {
			options: hubspotsim.Options{DailyLimit: 12},
			check:   "limits", level: doctor.Failed, found: "left today", remedy: "next day", alone: true,
		},
		"the day is over": {
			options: hubspotsim.Options{DailyLimit: 3},
			check:   "property firstname", level: doctor.Failed, found: "429", remedy: "wait",
		},
		"a lower limit": {
			options: hubspotsim.Options{RatePer10s: 90}, alone: true,
			check: "limits", level: doctor.Warning, found: "HUBSPOT_RATE_LIMIT_PER_10S is 100", remedy: "to 90 at most",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := inspect(t, test.options, test.portal, test.broken)
			expect(t, results[test.check], test.level, test.found, test.remedy)
			if test.alone {
				allFine(t, results, test.check)
			}
		})
	}
}

func TestWithoutKey(t *testing.T) {
	t.Parallel()
	var got doctor.Result
	doctor.Run(t.Context(), WithoutKey(), func(r doctor.Result) { got = r })
	expect(t, got, doctor.Failed, "HUBSPOT_API_KEY is not set", "set HUBSPOT_API_KEY")
}

func expect(t *testing.T, r doctor.Result, level doctor.Level, found, remedy string) {
	t.Helper()
	if r.Level != level || !strings.Contains(r.Found, found) || !strings.Contains(r.Remedy, remedy) {
		t.Errorf("%s: %s: %s → %s\nwant %s: …%s… → …%s…", r.Name, r.Level, r.Found, r.Remedy, level, found, remedy)
	}
}
