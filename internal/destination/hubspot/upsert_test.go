package hubspot

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestBatchesOfAnySize(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), nil)
	for _, n := range []int{0, 1, 100, 101, 1000} {
		before := p.upserts()
		report := p.Upsert(t.Context(), people(n))
		requests := (n + api.MaxBatch - 1) / api.MaxBatch
		if got := p.upserts() - before; got != requests || report.Requests != requests {
			t.Errorf("%d contacts: %d requests, %d counted, want %d", n, got, report.Requests, requests)
		}
		for i, c := range people(n) {
			stored, _ := p.Contact(c.Key())
			if o := report.Outcomes[i]; o.Verdict != contact.Synced || o.RemoteID != stored.ID {
				t.Fatalf("%d contacts, number %d: %+v, stored %+v", n, i, o, stored)
			}
		}
	}
}

// Nobody is sent for whom nothing can be sent, and the places stay.
func TestUnsendableAmongOthers(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), nil)
	batch := people(7)
	batch[0].Email, batch[2].Email, batch[4].Email, batch[6].Email = "", "\xff@example.org", "a\x00@example.org", " "
	batch[5].Name = "Bad \xff\x00 \" name"
	report := p.Upsert(t.Context(), batch)
	check(t, report, "2 reject NO_EMAIL, 3 synced, 2 reject INVALID_EMAIL")
	if stored, _ := p.Contact(batch[5].Key()); stored.Properties["lastname"] != "\uFFFD\x00 \" name" {
		t.Errorf("stored %+v", stored)
	}
	if got := len(p.Received()[0].Inputs); got != 3 {
		t.Errorf("%d inputs sent, want 3", got)
	}
	if report := p.Upsert(t.Context(), batch[:1]); report.Requests != 0 || report.Outage || report.Pause != nil {
		t.Errorf("%+v, want no request", report)
	}
}

// While nothing is known about the account one request goes first; the others
// follow side by side once it was answered usably.
func TestOneFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := inMemory(t, simOptions(), nil)
		hang := hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang}
		p.Inject(hang)
		answered := make(chan contact.Report, 1)
		go func() { answered <- p.Upsert(t.Context(), people(1000)) }()
		synctest.Wait()
		if got := p.upserts(); got != 1 {
			t.Errorf("%d requests at the start, want 1", got)
		}
		p.ClearFaults()
		p.Inject(hang)
		synctest.Wait()
		if got := p.upserts(); got != 1+api.Concurrency {
			t.Errorf("%d requests after the first answer, want %d more", got, api.Concurrency)
		}
		p.ClearFaults()
		check(t, <-answered, "1000 synced")

		// A failure takes the proof away.
		p.Inject(hubspotsim.Fault{Status: http.StatusServiceUnavailable})
		before := p.upserts()
		check(t, p.Upsert(t.Context(), people(100)), "100 retry SERVER_ERROR, outage")
		p.ClearFaults()
		p.Inject(hang)
		go func() { answered <- p.Upsert(t.Context(), people(1000)) }()
		synctest.Wait()
		if got := p.upserts() - before; got != 2 {
			t.Errorf("%d requests after a failure, want 2", got)
		}
		p.ClearFaults()
		check(t, <-answered, "1000 synced")
	})
}

// What concerns every row costs one request's rows at most, also in the midst
// of a proven account's batch.
func TestWhatConcernsEveryRowStopsTheBatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault hubspotsim.Fault
		want  string
	}{
		{"401", hubspotsim.Fault{Status: 401}, "100 retry UNAUTHORIZED, 900 unspent UNAUTHORIZED, pause UNAUTHORIZED"},
		{"403", hubspotsim.Fault{Status: 403}, "100 retry FORBIDDEN, 900 unspent FORBIDDEN, pause FORBIDDEN"},
		{"404", hubspotsim.Fault{Status: 404}, "1000 unspent NOT_FOUND, pause NOT_FOUND"},
		{"477", hubspotsim.Fault{Status: 477}, "1000 unspent MIGRATING, pause MIGRATING"},
		{"daily", hubspotsim.Fault{Mode: hubspotsim.DailyLimit}, "1000 unspent DAILY_LIMIT, pause DAILY_LIMIT"},
		{"500", hubspotsim.Fault{Status: 500}, "100 retry SERVER_ERROR, 900 unspent SERVER_ERROR, outage"},
		{"418", hubspotsim.Fault{Status: 418}, "100 retry OTHER, 900 unspent OTHER"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := overTheWire(t, simOptions(), nil)
			p.Inject(test.fault)
			check(t, p.Upsert(t.Context(), people(1000)), test.want)
			if got := p.upserts(); got != 1 {
				t.Errorf("%d upserts, want 1", got)
			}

			proven := overTheWire(t, simOptions(), nil)
			check(t, proven.Upsert(t.Context(), people(1)), "1 synced")
			proven.Inject(test.fault)
			report := proven.Upsert(t.Context(), people(1000))
			if got := proven.upserts() - 1; got > api.Concurrency && test.name != "418" { // which nobody knows to concern all
				t.Errorf("%d upserts of a proven account, want at most those side by side", got)
			}
			if got := strings.Contains(tell(report), "synced"); got {
				t.Errorf("%s", tell(report))
			}
		})
	}
}

func TestMissingProperty(t *testing.T) {
	t.Parallel()
	for _, shape := range []hubspotsim.ErrorShape{
		hubspotsim.ErrorPerRow, hubspotsim.ErrorGrouped, hubspotsim.ErrorIDsOnly, hubspotsim.ErrorBare,
	} {
		for _, noDetails := range []bool{false, true} {
			sim := simOptions()
			sim.Bare, sim.Behaviour.ErrorShape, sim.Behaviour.NoErrorDetails = true, shape, noDetails
			sim.Properties = []hubspotsim.Property{{Name: names.SyncDate, Type: "date"}, {Name: names.DomainID}}
			p := overTheWire(t, sim, nil)
			batch := people(250)
			batch[5].PageID, batch[6].PageID = "p-5", "p-6"
			report := p.Upsert(t.Context(), batch)
			check(t, report, "98 synced, 152 unspent PROPERTY_MISSING, pause PROPERTY_MISSING")
			if r := report.Pause.Reason; !strings.Contains(r, names.PageID) || !strings.Contains(r, "create the property in HubSpot") {
				t.Errorf("reason %q does not say what to create", r)
			}
			err := p.Probe(t.Context())
			if e := asAPIError(t, err); e.Code != contact.CodePropertyMissing || !strings.Contains(e.Message, names.PageID) {
				t.Errorf("probe: %+v, want the property still missing", e)
			}
			p.AddProperty(hubspotsim.Property{Name: names.PageID, ReadOnly: true})
			if e := asAPIError(t, p.Probe(t.Context())); e.Code != contact.CodePropertyMissing {
				t.Errorf("probe: %+v, want the property still useless", e)
			}
			p.AddProperty(hubspotsim.Property{Name: names.PageID})
			if err := p.Probe(t.Context()); err != nil {
				t.Errorf("probe with the property there: %v", err)
			}
			check(t, p.Upsert(t.Context(), batch), "250 synced")
		}
	}
}

func TestReadOnlyProperty(t *testing.T) {
	t.Parallel()
	sim := simOptions()
	sim.Properties = []hubspotsim.Property{{Name: names.SyncDate, Type: "date", ReadOnly: true}}
	p := overTheWire(t, sim, nil)
	report := p.Upsert(t.Context(), people(2))
	check(t, report, "2 unspent PROPERTY_MISSING, pause PROPERTY_MISSING")
	if !report.Pause.Probe || !strings.Contains(report.Pause.Reason, names.SyncDate) {
		t.Errorf("pause %+v", report.Pause)
	}
}
