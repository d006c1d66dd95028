package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestPoisonInABatch has 1, 5 and 50 contacts of a batch of 100 refused, one by
// one in a 207 or by refusals of the whole batch: the others are synced in the
// same cycle, the bad ones end in Error, and no more is asked of HubSpot than
// halving needs.
func TestPoisonInABatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, code string
		whole      bool // a bad contact refuses its whole batch
		each       int  // more requests for each bad contact
		// arrange makes contacts of the name Bad bad and answers where HubSpot is.
		arrange func(t *testing.T, in *progtest.Installation) string
	}{
		{"207", "INVALID_EMAIL", false, 0, invalidEmails},
		{"400", "INVALID_EMAIL", true, 0, func(t *testing.T, in *progtest.Installation) string {
			t.Helper()
			invalidEmails(t, in)
			return changing(t, in.API, withoutTraces)
		}},
		// For each conflict the contact that is in the way is tried to be changed.
		{"409", "CONFLICT", true, 1, conflicts},
	}
	for _, test := range tests {
		for _, bad := range []int{1, 5, 50} {
			t.Run(fmt.Sprintf("%d of 100, %s", bad, test.name), func(t *testing.T) {
				t.Parallel()
				const n = 100
				in := progtest.Install(t)
				spoiled := func(i int) bool { return i*bad%n < bad } // evenly spread, which is the worst for halving
				in.Exec(`INSERT INTO contacts (email, name, created_at)
					SELECT 'c' || i || '@example.org', CASE WHEN i * $2::int % $1::int < $2::int THEN 'Bad' ELSE 'Good' END, now() + i * interval '1 ms'
					  FROM generate_series(0, $1::int - 1) i`, n, bad)
				api := test.arrange(t, in)
				in.Start(in.Env("HUBSPOT_API_BASE_URL="+api, "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=100", "HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run")
				in.AwaitAsleep()
				began := time.Now()
				in.Exec(`DO $$
					DECLARE c record;
					BEGIN
						FOR c IN SELECT id FROM contacts ORDER BY created_at LOOP -- the queue's order, too
							UPDATE contacts SET hubspot_sync_status = 'Queued', hubspot_processing_status = 'Queued' WHERE id = c.id;
						END LOOP;
					END $$`)
				const kinds = `SELECT string_agg(n || ' ' || s, ', ' ORDER BY s) FROM (SELECT count(*) AS n,
					concat_ws(' ', name, hubspot_processing_status, hubspot_error_code, retry_count) AS s FROM contacts GROUP BY 2) x`
				in.Await(fmt.Sprintf("%d Bad Error %s 0, %d Good Complete 0", bad, test.code, n-bad), kinds)
				took := time.Since(began)
				cycle := in.Ask(`SELECT string_agg(concat_ws(' ', claimed, synced, failed, requests), ', ') FROM contactsync.cycles`)
				needed := 1
				if test.whole {
					needed = halving(0, n, spoiled)
				}
				needed += bad * test.each
				used := 0
				for _, r := range in.Sim.Received() {
					if r.Method != http.MethodGet {
						used++
					}
				}
				if want := fmt.Sprintf("%d %d %d %d", n, n-bad, bad, used); cycle != want {
					t.Errorf("cycles (claimed, synced, failed, requests): %s; want one: %s", cycle, want)
				}
				if used > needed {
					t.Errorf("%d requests, want at most %d", used, needed)
				}
				if written := len(in.Sim.Writes()); written != n-bad {
					t.Errorf("%d writes, want one for each good contact", written)
				}
				t.Logf("requests used/needed: %d/%d, in %v", used, needed, took.Round(time.Millisecond))
			})
		}
	}
}

// halving is how many requests it takes to part the bad among the contacts from
// up to (not including) to from the others.
func halving(from, to int, bad func(int) bool) int {
	for i := from; i < to; i++ {
		if bad(i) && to-from > 1 {
			half := from + (to-from)/2
			return 1 + halving(from, half, bad) + halving(half, to, bad)
		}
	}
	return 1
}

func invalidEmails(t *testing.T, in *progtest.Installation) string {
	t.Helper()
	in.Exec(`UPDATE contacts SET email = 'not an email ' || email WHERE name = 'Bad'`)
	return in.API
}

// conflicts has HubSpot refuse whole batches for contacts that it has under
// another address and does not let be changed.
func conflicts(t *testing.T, in *progtest.Installation) string {
	t.Helper()
	if err := in.Sim.SetBehaviour(hubspotsim.Behaviour{ConflictWholeBatch: true}); err != nil {
		t.Fatal(err)
	}
	in.Sim.Inject(hubspotsim.Fault{Method: http.MethodPatch, Status: http.StatusConflict})
	bad := in.Ask(`SELECT string_agg(email, ' ') FROM contacts WHERE name = 'Bad'`)
	for email := range strings.FieldsSeq(bad) {
		if err := in.Sim.Conflict(email, "primary-"+email); err != nil {
			t.Fatal(err)
		}
	}
	return in.API
}

// withoutTraces takes the names away by which HubSpot tells which contact of a
// batch is bad: without them it refuses the batch.
func withoutTraces(_ *http.Request, body []byte) ([]byte, int) {
	var upsert struct {
		Inputs []map[string]any `json:"inputs"`
	}
	if json.Unmarshal(body, &upsert) != nil || upsert.Inputs == nil {
		return body, 0
	}
	for _, input := range upsert.Inputs {
		delete(input, "objectWriteTraceId")
	}
	changed, err := json.Marshal(upsert)
	if err != nil {
		return body, http.StatusInternalServerError
	}
	return changed, 0
}

// changing stands between the program and HubSpot: change makes another body of
// a request's, or answers with a status in HubSpot's place.
func changing(t *testing.T, api string, change func(r *http.Request, body []byte) (changed []byte, status int)) string {
	t.Helper()
	target, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the program is gone
		}
		body, status := change(r, body)
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(between.Close)
	return between.URL
}

// One contact makes HubSpot (or something on the way) fail. It must not stand
// before all others for ever, and it ends in Error itself.
func TestPoisonContact(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	api := changing(t, in.API, func(_ *http.Request, body []byte) ([]byte, int) {
		if bytes.Contains(body, []byte("poison")) {
			return nil, http.StatusInternalServerError
		}
		return body, 0
	})
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('poison@example.org', 'Bad', 'Queued')`)
	p := in.Start(in.Env("HUBSPOT_API_BASE_URL="+api, "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=300ms"), "run")
	p.Wait("HubSpot sync paused", 1)
	began := time.Now()
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) SELECT 'c' || i || '@example.org', 'Good', 'Queued' FROM generate_series(1, 30) i`)
	in.AwaitFor(3*time.Minute, "30", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	t.Logf("30 good contacts beside it were synced within %v", time.Since(began).Round(time.Millisecond))
	in.WantEachOnce(30)
	in.Await("Error", `SELECT hubspot_processing_status::text FROM contacts WHERE name = 'Bad'`)
	t.Logf("and it ended in Error after %v", time.Since(began).Round(time.Millisecond))
}
