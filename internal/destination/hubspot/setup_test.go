package hubspot

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/portal"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// bare is a portal that nobody has set up.
func bareOptions() hubspotsim.Options {
	o := simOptions()
	o.Bare = true
	return o
}

// setUp runs Setup and returns its steps, a line each.
func setUp(t *testing.T, p remote, dryRun bool) ([]string, error) {
	t.Helper()
	var lines []string
	err := p.Setup(t.Context(), dryRun, func(s destination.Step) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", s.Done, s.Kind, s.Name, s.Type, s.Why)))
	})
	return lines, err
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// posts counts the requests that create something.
func (p remote) posts() int {
	n := 0
	for _, r := range p.Received() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}

func TestSetupCreatesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, version := range api.Versions() {
		p := overTheWire(t, bareOptions(), func(o *Options) { o.Version = version })
		lines, err := setUp(t, p, true)
		if err != nil {
			t.Fatal(err)
		}
		wantLines(t, lines, "would create group scrapersky", "would create property scrapersky_domain_id string",
			"would create property scrapersky_page_id string", "would create property scrapersky_sync_date date")
		if n := p.posts(); n != 0 {
			t.Errorf("%s: a dry run sent %d requests that create", version, n)
		}

		lines, err = setUp(t, p, false)
		if err != nil {
			t.Fatal(err)
		}
		wantLines(t, lines, "created group scrapersky", "created property scrapersky_domain_id string",
			"created property scrapersky_page_id string", "created property scrapersky_sync_date date")
		check(t, p.Upsert(t.Context(), people(3)), "3 synced")

		n := p.posts()
		lines, err = setUp(t, p, false)
		if err != nil {
			t.Fatal(err)
		}
		wantLines(t, lines, "exists property scrapersky_domain_id string", "exists property scrapersky_page_id string",
			"exists property scrapersky_sync_date date")
		if p.posts() != n {
			t.Errorf("%s: a second run created something", version)
		}
	}
}

func TestSetupComparesTypes(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, bareOptions(), nil)
	p.AddProperty(hubspotsim.Property{Name: "scrapersky_domain_id", Type: "number"})
	p.AddProperty(hubspotsim.Property{Name: "scrapersky_page_id", ReadOnly: true})
	p.AddProperty(hubspotsim.Property{Name: "scrapersky_sync_date"})
	lines, err := setUp(t, p, false)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "misfit property scrapersky_domain_id number it is of type number, but string is wanted",
		"misfit property scrapersky_page_id string it is read-only: HubSpot computes its value",
		"tolerable property scrapersky_sync_date string it is of type string, but date is wanted: values go in, but cannot be filtered and sorted as such")
}

// Somebody else may create a thing between the look and the creation.
func TestSetupMeetsAnotherSetup(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"string": "exists", "number": "misfit"} {
		p := overTheWire(t, bareOptions(), func(o *Options) { o.Properties = PropertyNames{DomainID: "scrapersky_domain_id"} })
		p.AddProperty(hubspotsim.Property{Name: "scrapersky_domain_id", Type: kind, GroupName: "scrapersky"})
		p.Inject(hubspotsim.Fault{Method: http.MethodGet, Path: "/scrapersky_domain_id", Status: 404, Times: 1})
		p.Inject(hubspotsim.Fault{Method: http.MethodGet, Path: "/groups/", Status: 404, Times: 1})
		p.Inject(hubspotsim.Fault{Method: http.MethodPost, Path: "/groups", Status: 409, Times: 1})
		lines, err := setUp(t, p, false)
		if err != nil || len(lines) != 2 || lines[0] != "exists group scrapersky" || !strings.HasPrefix(lines[1], want+" property") {
			t.Errorf("%s: %q, %v", kind, lines, err)
		}
	}
}

func TestSetupNamesRemedies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scopes []string
		portal int64
		fault  hubspotsim.Fault
		want   []string
	}{
		"no scope to create": {
			scopes: []string{portal.ScopeRead, portal.ScopeWrite},
			want:   []string{"create group scrapersky: 403 Forbidden", "lacks the scope crm.schemas.contacts.write", "HUBSPOT_API_KEY=... contactsync setup"},
		},
		"no scope to look": {scopes: []string{}, want: []string{"look for property", "lacks the scope crm.objects.contacts.read"}},
		"a wrong key":      {fault: hubspotsim.Fault{Status: 401}, want: []string{"401 Unauthorized", "set HUBSPOT_API_KEY to a valid one"}},
		"another portal":   {portal: 5, want: []string{"belongs to portal 4242, but HUBSPOT_PORTAL_ID is 5"}},
		"a wrong address":  {fault: hubspotsim.Fault{Status: 404}, want: []string{"HUBSPOT_API_BASE_URL"}},
		"archived": {
			fault: hubspotsim.Fault{Method: http.MethodPost, Path: "contacts", Skip: 1, Status: 409},
			want:  []string{"create property scrapersky_domain_id: 409 Conflict", "archived: restore it"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := bareOptions()
			o.Scopes = test.scopes
			p := overTheWire(t, o, func(o *Options) { o.PortalID = test.portal })
			if test.fault.Status != 0 {
				p.Inject(test.fault)
			}
			_, err := setUp(t, p, false)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want …%s…", err, want)
				}
			}
			if err != nil && asAPIError(t, err) == nil {
				t.Error("no *api.Error")
			}
			if name == "another portal" && p.posts() != 0 {
				t.Error("something was created in another portal")
			}
		})
	}
}

// While HubSpot is busy, setup waits instead of failing.
func TestSetupIsPatient(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	p := overTheWire(t, bareOptions(), nil)
	p.Inject(hubspotsim.Fault{Method: http.MethodPost, Path: "/groups", Status: 429, Header: map[string]string{"Retry-After": "1"}, Times: 1})
	if _, err := setUp(t, p, false); err != nil {
		t.Error(err)
	}
}

func TestGranted(t *testing.T) {
	t.Parallel()
	all := []string{portal.ScopeRead, portal.ScopeWrite, portal.ScopeProperties}
	for _, version := range api.Versions() {
		for _, has := range [][]string{{}, all, {portal.ScopeRead}, {portal.ScopeWrite}, {portal.ScopeProperties}} {
			o := simOptions()
			o.Scopes = has
			p := overTheWire(t, o, func(o *Options) { o.Version = version })
			for _, scope := range all {
				granted, err := portal.Granted(t.Context(), p.api, scope)
				if want := strings.Contains(strings.Join(has, " "), scope); err != nil || granted != want {
					t.Errorf("%s: %s of %v: %v, %v", version, scope, has, granted, err)
				}
			}
			if n := len(p.Writes()); n != 0 {
				t.Errorf("%d contacts written", n)
			}
			if p.RemoveProperty("") {
				t.Error("a property without a name was created")
			}
		}
	}
	p := overTheWire(t, simOptions(), nil)
	p.Inject(hubspotsim.Fault{Status: 401})
	if _, err := portal.Granted(t.Context(), p.api, portal.ScopeRead); err == nil {
		t.Error("no error for a refused key")
	}
}
