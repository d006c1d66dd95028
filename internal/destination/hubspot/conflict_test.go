package hubspot

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestConflict(t *testing.T) {
	t.Parallel()
	hints := []hubspotsim.ConflictHint{
		hubspotsim.HintBoth, hubspotsim.HintContext, hubspotsim.HintMessage, hubspotsim.HintNone,
	}
	for _, hint := range hints {
		for _, whole := range []bool{false, true} {
			for _, version := range api.Versions() {
				t.Run(fmt.Sprintf("%s, whole batch %v, %s", hint, whole, version), func(t *testing.T) {
					t.Parallel()
					sim := simOptions()
					sim.Behaviour.ConflictHint, sim.Behaviour.ConflictWholeBatch = hint, whole
					p := overTheWire(t, sim, func(o *Options) { o.Version = version })
					batch := people(5)
					if err := p.Conflict(batch[3].Key(), "primary@example.com"); err != nil {
						t.Fatal(err)
					}
					report := p.Upsert(t.Context(), batch)
					check(t, report, "5 synced")
					primary, _ := p.Contact("primary@example.com")
					if o := report.Outcomes[3]; o.RemoteID != primary.ID || o.Created {
						t.Errorf("outcome %+v, want an update of %s", o, primary.ID)
					}
					if primary.Email != "primary@example.com" || primary.Properties["lastname"] != "Number3" {
						t.Errorf("stored %+v, want the new name under the old primary address", primary)
					}
					lookups := 0
					if hint == hubspotsim.HintNone {
						lookups = 1
					}
					if got := p.count("/batch/read"); got != lookups {
						t.Errorf("%d lookups, want %d", got, lookups)
					}
				})
			}
		}
	}
}

// What goes wrong while a conflict is mended counts by the same table.
func TestConflictThatCannotBeMended(t *testing.T) {
	t.Parallel()
	patch := func(f hubspotsim.Fault) hubspotsim.Fault {
		f.Method = http.MethodPatch
		return f
	}
	tests := []struct {
		name  string
		hint  hubspotsim.ConflictHint
		fault hubspotsim.Fault
		want  string
	}{
		{"again a conflict", "", patch(hubspotsim.Fault{Status: 409}), "1 synced, 1 reject CONFLICT"},
		{"the contact is gone", "", patch(hubspotsim.Fault{Status: 404}), "1 synced, 1 retry NOT_FOUND"},
		{"a bad value", "", patch(hubspotsim.Fault{Status: 400}), "1 synced, 1 reject INVALID_VALUE"},
		{"the key is refused", "", patch(hubspotsim.Fault{Status: 401}), "1 synced, 1 retry UNAUTHORIZED, pause UNAUTHORIZED"},
		{"an error", "", patch(hubspotsim.Fault{Status: 500}), "1 synced, 1 retry SERVER_ERROR"},
		{"a gateway's error", "", patch(hubspotsim.Fault{Status: 504}), "1 synced, 1 retry SERVER_ERROR in doubt"},
		{"a lost response", "", patch(hubspotsim.Fault{Mode: hubspotsim.Cut, AfterWrite: true}), "1 synced, 1 retry NETWORK in doubt"},
		{"someone else's contact", "", patch(hubspotsim.Fault{Mode: hubspotsim.OtherResults}), "1 synced, 1 retry NOT_CONFIRMED"},
		{"the lookup fails", hubspotsim.HintNone, hubspotsim.Fault{Path: "/batch/read", Status: 500}, "1 synced, 1 retry SERVER_ERROR"},
		{"the lookup finds nothing", hubspotsim.HintNone, hubspotsim.Fault{Path: "/batch/read", Mode: hubspotsim.MissingResults}, "1 synced, 1 reject CONFLICT"},
		{"the lookup finds a stranger", hubspotsim.HintNone, hubspotsim.Fault{Path: "/batch/read", Mode: hubspotsim.OtherResults}, "1 synced, 1 reject CONFLICT"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sim := simOptions()
			sim.Behaviour.ConflictHint = test.hint
			p := overTheWire(t, sim, nil)
			batch := people(2)
			if err := p.Conflict(batch[1].Key(), "primary@example.com"); err != nil {
				t.Fatal(err)
			}
			p.Inject(test.fault)
			check(t, p.Upsert(t.Context(), batch), test.want)
			if got := p.upserts(); got != 1 {
				t.Errorf("%d upserts, want 1: nothing is tried twice", got)
			}
		})
	}
}

// A contact under a secondary address is confirmed whether or not HubSpot
// repeats trace ids.
func TestSecondaryAddress(t *testing.T) {
	t.Parallel()
	for _, noEcho := range []bool{false, true} {
		t.Run(fmt.Sprintf("no echo %v", noEcho), func(t *testing.T) {
			t.Parallel()
			sim := simOptions()
			sim.Behaviour.NoTraceEcho = noEcho
			p := overTheWire(t, sim, nil)
			batch := append(people(20), contact.Contact{Email: "primary@example.com", Name: "Primary"})
			for _, i := range []int{4, 9} {
				if err := p.AddSecondary("primary@example.com", batch[i].Key()); err != nil {
					t.Fatal(err)
				}
			}
			report := p.Upsert(t.Context(), batch)
			check(t, report, "21 synced")
			primary, _ := p.Contact("primary@example.com")
			for _, i := range []int{4, 9, 20} {
				if got := report.Outcomes[i].RemoteID; got != primary.ID {
					t.Errorf("contact %d has id %s, want %s", i, got, primary.ID)
				}
			}
			want := 1
			if noEcho {
				want = 2 // one lookup for all of them
			}
			if report.Requests != want {
				t.Errorf("%d requests, want %d", report.Requests, want)
			}
		})
	}
}

// When the first repair shows that nothing works, the others are left.
func TestConflictsAreLeftWhenTheBatchStops(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), nil)
	batch := people(4)
	for _, i := range []int{1, 2, 3} {
		if err := p.Conflict(batch[i].Key(), fmt.Sprintf("primary%d@example.com", i)); err != nil {
			t.Fatal(err)
		}
	}
	p.Inject(hubspotsim.Fault{Method: http.MethodPatch, Status: http.StatusUnauthorized})
	report := p.Upsert(t.Context(), batch)
	check(t, report, "1 synced, 1 retry UNAUTHORIZED, 2 unspent UNAUTHORIZED, pause UNAUTHORIZED")
	if report.Requests != 2 {
		t.Errorf("%d requests, want the upsert and one PATCH", report.Requests)
	}
}
