package hubspot

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// BenchmarkUpsert is a full batch from the contacts to their outcomes, the
// simulator and the connection to it included: what a drain costs beside the
// database.
func BenchmarkUpsert(b *testing.B) {
	sim := hubspotsim.New(hubspotsim.Options{Token: testToken, Keep: 100})
	server := httptest.NewServer(sim)
	defer server.Close()
	hc := api.NewHTTPClient()
	defer hc.CloseIdleConnections()
	client, err := New(Options{Options: api.Options{BaseURL: server.URL, HTTP: hc, Token: testToken, RatePer10s: 1_000_000}, Properties: names})
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]contact.Contact, api.MaxBatch)
	for i := range batch {
		batch[i] = contact.Contact{
			Email: fmt.Sprintf("person%03d@example.org", i), Name: fmt.Sprintf("Person Number%d", i), Phone: "+1 555 0100",
			DomainID: "0193b1f2-0000-7000-8000-000000000001", PageID: "0193b1f2-0000-7000-8000-000000000002",
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, o := range client.Upsert(b.Context(), batch).Outcomes {
			if o.Verdict != contact.Synced {
				b.Fatalf("%+v", o)
			}
		}
	}
}
