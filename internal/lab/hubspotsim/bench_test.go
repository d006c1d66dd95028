package hubspotsim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// BenchmarkUpsert100 is a full batch with all of contactsync's properties,
// without a socket: the Sim must not be what a benchmark of the program
// measures.
func BenchmarkUpsert100(b *testing.B) {
	rows := make([]input, 100)
	for i := range rows {
		rows[i] = row(fmt.Sprintf("c%d@example.org", i), map[string]string{
			"firstname": "Scheduler", "lastname": fmt.Sprint("Test ", i), "phone": "+1 555 0100", "scrapersky_sync_date": "2026-11-23",
			"scrapersky_domain_id": "0193b1f2-0000-7000-8000-000000000001", "scrapersky_page_id": "0193b1f2-0000-7000-8000-000000000002",
		})
	}
	body := batch(rows...)
	sim := hubspotsim.New(hubspotsim.Options{Token: token, Keep: 1000})
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, objects("2026-09", "batch/upsert"), strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body.String())
		}
	}
}
