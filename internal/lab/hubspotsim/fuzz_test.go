package hubspotsim_test

import (
	"net/http"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// FuzzUpsert sends foreign bytes as a batch: whatever they are, the answer is
// one of HubSpot's, and what is recorded as applied was written.
func FuzzUpsert(f *testing.F) {
	f.Add(batch(row("ada@example.org", map[string]string{"phone": "1"})))
	f.Add(batch(row("bad", nil), row("ada@example.org", map[string]string{"nonsense": "1"})))
	f.Add(batch(untraced(row("\x00", nil), row("a@example.org", map[string]string{"email": "b@example.org"}))...))
	f.Add(`{"inputs":[{"id":"\ud800","idProperty":"email","properties":{"":""}}]}`)
	f.Add(`{"inputs":[null,{}]}`)
	f.Add("\xff\xfe{}")
	f.Fuzz(func(t *testing.T, body string) {
		for _, version := range versions {
			sim := newSim(t, hubspotsim.Options{})
			got := call(t, sim, http.MethodPost, objects(version, "batch/upsert"), body)
			switch got.status {
			case http.StatusOK, http.StatusMultiStatus, http.StatusBadRequest, http.StatusNotFound, http.StatusConflict:
			default:
				t.Errorf("status %d", got.status)
			}
			if wrote := sim.Stats().Writes > 0; wrote != sim.Received()[0].Applied {
				t.Errorf("applied is %v, written %v", !wrote, wrote)
			}
		}
	})
}
