package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
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
				// The account is asked for before the first write where the check at the start has no answer yet.
				want := fmt.Sprintf("%d %d %d", n, n-bad, bad)
				if cycle != fmt.Sprintf("%s %d", want, used) && cycle != fmt.Sprintf("%s %d", want, used+1) {
					t.Errorf("cycles (claimed, synced, failed, requests): %s; want one: %s %d, or one more", cycle, want, used)
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

const firewall = `<html><head><title>Attention Required!</title></head><body>You have been blocked</body></html>`

// TestOneContactsFault has one contact in twenty of a queue, or the first ones of it,
// make HubSpot or a firewall before it fail at every request that they are in. All
// others are synced at once, none of them spends an attempt, and those end in Error with
// the words of who refused them.
func TestOneContactsFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		fault      hubspotsim.Fault
		bad, n     int
		first      bool // the bad are the first in the queue
		batch      int
		code, says string
		most       time.Duration // for the good ones
	}{
		{"two before thirty", hubspotsim.Fault{Status: 500}, 2, 32, true, 10, "SERVER_ERROR", "500 Internal Server Error: internal error (this contact alone", 30 * time.Second},
		{"sixty before thirty", hubspotsim.Fault{Status: 500}, 60, 92, true, 10, "SERVER_ERROR", "500 Internal Server Error", 30 * time.Second},
		{"one in twenty", hubspotsim.Fault{Status: 500}, scaled(10, 50), scaled(200, 1000), false, 100, "SERVER_ERROR", "500 Internal Server Error: internal error (this contact alone", time.Minute},
		{"a name that a firewall blocks", hubspotsim.Fault{Status: 403, Body: firewall, Header: map[string]string{"Content-Type": "text/html"}}, 1, 51, false, 10, "INVALID_VALUE", "403 Forbidden: Attention Required! You have been blocked (this contact alone", 30 * time.Second},
		{"one that is never answered", hubspotsim.Fault{Mode: hubspotsim.Hang}, 1, 51, false, 10, "TIMEOUT", "no response from HubSpot within 1s (this contact alone", 30 * time.Second},
		{"one that breaks the connection", hubspotsim.Fault{Mode: hubspotsim.Cut}, 1, 51, false, 10, "NETWORK", "broken", 30 * time.Second},
		{"one that is always too much", hubspotsim.Fault{Mode: hubspotsim.RowError, Category: "RATE_LIMITS"}, 1, 51, false, 10, "RATE_LIMITED", "refused by HubSpot", 30 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			fault := test.fault
			fault.Holds, fault.Path = "Poison", "batch/upsert"
			in.Sim.Inject(fault)
			in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status, hubspot_queued_at)
				SELECT 'c' || i || '@example.org', CASE WHEN CASE WHEN $3 THEN i < $2::int ELSE i % ($1::int / $2::int) = 7 END THEN 'Poison' ELSE 'Good' END,
				       'Queued', now() - interval '1 minute' + i * interval '1 ms' FROM generate_series(0, $1::int - 1) i`, test.n, test.bad, test.first)
			began := time.Now()
			in.Start(in.Env(fmt.Sprintf("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=%d", test.batch), "HUBSPOT_TIMEOUT=1s",
				"HUBSPOT_SYNC_RETRY_DELAY_MINUTES=500ms", "HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run")
			good := fmt.Sprint(test.n - test.bad)
			in.AwaitFor(2*time.Minute, good, `SELECT count(*)::text FROM contacts WHERE name = 'Good' AND hubspot_processing_status = 'Complete'`)
			took := time.Since(began)
			if took > test.most {
				t.Errorf("the good ones were synced after %v, want %v", took, test.most)
			}
			if spent := in.Ask(`SELECT count(*)::text FROM contacts c JOIN contactsync.failures f ON f.contact_id::text = c.id::text WHERE c.name = 'Good'`); spent != "0" {
				t.Errorf("innocents spent %s attempts", spent)
			}
			// As apps go on to write: what fails while others go through is its own fault.
			ctx, stop := context.WithCancel(t.Context())
			var app sync.WaitGroup
			own := in.Connect()
			app.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					if _, err := own.Exec(t.Context(), `INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('later' || $1 || '@example.org', 'Later', 'Queued')`, fmt.Sprint(i)); err != nil {
						t.Error(err)
						return
					}
					select {
					case <-ctx.Done():
					case <-time.After(300 * time.Millisecond):
					}
				}
			})
			in.AwaitFor(3*time.Minute, fmt.Sprint(test.bad), `SELECT count(*)::text FROM contacts WHERE name = 'Poison' AND hubspot_processing_status = 'Error'`)
			stop()
			app.Wait()
			if told := in.Ask(`SELECT string_agg(DISTINCT hubspot_error_code || ' ' || hubspot_processing_error, E'\n') FROM contacts WHERE name = 'Poison'`); !strings.Contains(told, test.code) || !strings.Contains(told, test.says) {
				t.Errorf("the bad ones are told %q, want %s %q", told, test.code, test.says)
			}
			t.Logf("%s good ones within %v with %d upserts, %d bad ones in Error after %v", good, took.Round(time.Millisecond), upserts(in), test.bad, time.Since(began).Round(time.Millisecond))
			in.Sim.ClearFaults()
		})
	}
}
