package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/webhook"
)

// What each status means for a contact, on a webhook that is known to work and beside
// contacts that it takes, and for the webhook when it answers nothing else.
func TestStatuses(t *testing.T) {
	t.Parallel()
	tests := map[int]struct{ one, all string }{
		200: {"5 synced", "5 synced"},
		201: {"5 synced", "5 synced"},
		202: {"5 synced", "5 synced"},
		204: {"5 synced", "5 synced"},
		301: {"4 synced, 1 retry BAD_RESPONSE forgiving", "5 unspent BAD_RESPONSE, pause BAD_RESPONSE"},
		307: {"4 synced, 1 retry BAD_RESPONSE forgiving", "5 unspent BAD_RESPONSE, pause BAD_RESPONSE"},
		400: {"4 synced, 1 reject INVALID_VALUE", "5 reject INVALID_VALUE"},
		401: {"4 synced, 1 retry UNAUTHORIZED forgiving", "3 retry UNAUTHORIZED forgiving, 2 unspent UNAUTHORIZED, pause UNAUTHORIZED"},
		402: {"4 synced, 1 retry FORBIDDEN forgiving", "3 retry FORBIDDEN forgiving, 2 unspent FORBIDDEN, pause FORBIDDEN"},
		403: {"4 synced, 1 retry FORBIDDEN forgiving", "3 retry FORBIDDEN forgiving, 2 unspent FORBIDDEN, pause FORBIDDEN"},
		404: {"4 synced, 1 retry NOT_FOUND forgiving", "5 unspent NOT_FOUND, pause NOT_FOUND"},
		405: {"4 synced, 1 retry NOT_FOUND forgiving", "5 unspent NOT_FOUND, pause NOT_FOUND"},
		407: {"4 synced, 1 retry UNAUTHORIZED forgiving", "3 retry UNAUTHORIZED forgiving, 2 unspent UNAUTHORIZED, pause UNAUTHORIZED"},
		408: {"4 synced, 1 retry TIMEOUT", "1 retry TIMEOUT, 4 unspent TIMEOUT, outage"},
		409: {"4 synced, 1 reject CONFLICT", "5 reject CONFLICT"},
		410: {"4 synced, 1 retry NOT_FOUND forgiving", "5 unspent NOT_FOUND, pause NOT_FOUND"},
		413: {"4 synced, 1 reject INVALID_VALUE", "5 reject INVALID_VALUE"},
		418: {"4 synced, 1 reject OTHER", "5 reject OTHER"},
		422: {"4 synced, 1 reject INVALID_VALUE", "5 reject INVALID_VALUE"},
		451: {"4 synced, 1 reject OTHER", "5 reject OTHER"},
		500: {"4 synced, 1 retry SERVER_ERROR", "3 retry SERVER_ERROR, 2 unspent SERVER_ERROR, outage"},
		501: {"4 synced, 1 retry SERVER_ERROR", "3 retry SERVER_ERROR, 2 unspent SERVER_ERROR, outage"},
		502: {"4 synced, 1 retry SERVER_ERROR in doubt", "3 retry SERVER_ERROR in doubt, 2 unspent SERVER_ERROR, outage"},
		503: {"4 synced, 1 retry SERVER_ERROR", "3 retry SERVER_ERROR, 2 unspent SERVER_ERROR, outage"},
		504: {"4 synced, 1 retry SERVER_ERROR in doubt", "3 retry SERVER_ERROR in doubt, 2 unspent SERVER_ERROR, outage"},
		522: {"4 synced, 1 retry SERVER_ERROR in doubt", "3 retry SERVER_ERROR in doubt, 2 unspent SERVER_ERROR, outage"},
	}
	for status, want := range tests {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.status(status, "c4")
			c := r.client(t)
			check(t, c.Upsert(t.Context(), people(4)), "4 synced")
			check(t, c.Upsert(t.Context(), people(5)), want.one)
			r.status(status)
			check(t, r.client(t).Upsert(t.Context(), people(5)), want.all)
			r.respond(nil)
			check(t, c.Upsert(t.Context(), people(5)), "5 synced")
		})
	}
}

// A contact that is refused, again and again, while others are taken pays for it
// itself, whether it comes beside others or alone, and pauses nothing.
func TestOneRefusedContactHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404, 410} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.status(status, "c0")
			c := r.client(t)
			poison, good := people(1), people(9)[1:]
			first := c.Upsert(t.Context(), people(9)) // at the head of the first batch
			if o := first.Outcomes[0]; first.Pause != nil || o.Verdict != contact.Retry || !o.Forgiving {
				t.Errorf("%+v with the pause %+v, want a forgiving retry and none", o, first.Pause)
			}
			check(t, c.Upsert(t.Context(), poison), "1 retry INVALID_VALUE")
			check(t, c.Upsert(t.Context(), people(9)), "1 retry INVALID_VALUE, 8 synced")
			check(t, c.Upsert(t.Context(), poison), "1 retry INVALID_VALUE") // twice in a row, and no pause
			if o := c.Upsert(t.Context(), poison).Outcomes[0]; !strings.HasSuffix(o.Message, "(this contact alone: others went through)") {
				t.Errorf("it is told %q", o.Message)
			}
			// The webhook refuses everything by now. That is not this contact's fault, nor
			// is it the next one's.
			r.status(status)
			c.Upsert(t.Context(), good[:1])
			if report := c.Upsert(t.Context(), poison); report.Pause == nil || report.Outcomes[0].Verdict == contact.Retry && !report.Outcomes[0].Forgiving {
				t.Errorf("%s, want a pause, and nobody blamed", tell(report))
			}
			r.status(status, "c0")
			check(t, c.Upsert(t.Context(), good), "8 synced")
			check(t, c.Upsert(t.Context(), poison), "1 retry INVALID_VALUE")
		})
	}
	t.Run("known from another process", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t)
		r.status(403, "c0")
		batch := people(3)
		batch[0].FailedAlone = true
		check(t, r.client(t).Upsert(t.Context(), batch), "1 retry INVALID_VALUE, 2 synced")
	})
}

// A single contact that a working webhook refuses shows nothing yet, and the next one
// does.
func TestTheSecondRefusalInARowPauses(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	c := r.client(t)
	check(t, c.Upsert(t.Context(), people(1)), "1 synced")
	r.status(403)
	check(t, c.Upsert(t.Context(), people(1)), "1 retry FORBIDDEN forgiving")
	check(t, c.Upsert(t.Context(), people(1)), "1 retry FORBIDDEN forgiving, pause FORBIDDEN")
}

// A receiver that asks to wait is asked again, with the same id; one that asks for long
// pauses the sync for as long.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, status := range []int{425, 429} {
		r := newReceiver(t)
		var refused atomic.Bool
		r.respond(func(w http.ResponseWriter, _ *http.Request, _ message) bool {
			if refused.Swap(true) {
				return false
			}
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
			return true
		})
		began := time.Now()
		report := r.client(t).Upsert(t.Context(), people(2))
		check(t, report, "2 synced")
		if took := time.Since(began); took < time.Second || report.Requests != 3 || report.Throttled < time.Second {
			t.Errorf("%d: after %v, %d requests, throttled for %v, want a wait of a second and 3", status, took, report.Requests, report.Throttled)
		}
		if m := r.messages(); m[0].ID != m[1].ID || m[0].ID == m[2].ID {
			t.Errorf("ids %s, %s, %s, want the first contact's twice", m[0].ID, m[1].ID, m[2].ID)
		}
	}
	for value, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "99999999": time.Hour,
		time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat): 30 * time.Minute,
	} {
		r := newReceiver(t)
		r.respond(func(w http.ResponseWriter, _ *http.Request, _ message) bool {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		})
		report := r.client(t).Upsert(t.Context(), people(2))
		check(t, report, "2 unspent RATE_LIMITED, pause RATE_LIMITED")
		if report.Pause != nil && (report.Pause.For > want || report.Pause.For < want-10*time.Second) {
			t.Errorf("Retry-After: %s pauses for %v, want %v", value, report.Pause.For, want)
		}
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.respond(func(_ http.ResponseWriter, req *http.Request, m message) bool {
		if m.contactID() == "c1" {
			<-req.Context().Done()
			panic(http.ErrAbortHandler)
		}
		return false
	})
	c := r.client(t, func(o *webhook.Options) { o.Timeout = 500 * time.Millisecond })
	check(t, c.Upsert(t.Context(), people(3)), "2 synced, 1 retry TIMEOUT in doubt")
	report := c.Upsert(t.Context(), people(2)[1:])
	check(t, report, "1 retry TIMEOUT in doubt, outage")
	if m := report.Outcomes[0].Message; m != "timeout: no response from the webhook within 500ms" {
		t.Errorf("it is told %q", m)
	}
}

// A status that says yes is a yes, whatever comes after it, and little of it is read.
func TestAnswersThatNeverEnd(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.respond(func(w http.ResponseWriter, req *http.Request, m message) bool {
		w.WriteHeader(http.StatusOK)
		for m.contactID() == "c0" && req.Context().Err() == nil {
			if _, err := w.Write([]byte(strings.Repeat(" ", 4096))); err != nil {
				break
			}
		}
		if m.contactID() == "c1" { // begins, and says no more
			w.(http.Flusher).Flush()
			<-req.Context().Done()
		}
		return true
	})
	c := r.client(t, func(o *webhook.Options) { o.Timeout = 500 * time.Millisecond })
	check(t, c.Upsert(t.Context(), people(2)), "2 synced")
}

// Redirects are not followed: neither the secret nor a contact goes elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var visited atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := newReceiver(t)
		r.respond(func(w http.ResponseWriter, req *http.Request, _ message) bool {
			http.Redirect(w, req, elsewhere.URL, status)
			return true
		})
		report := r.client(t, func(o *webhook.Options) { o.HTTP = &http.Client{} }).Upsert(t.Context(), people(1)) // which follows them
		check(t, report, "1 unspent BAD_RESPONSE, pause BAD_RESPONSE")
		if report.Pause != nil && !strings.Contains(report.Pause.Reason, "N8N_WEBHOOK_URL") {
			t.Errorf("the pause says %q", report.Pause.Reason)
		}
	}
	if visited.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// Several requests are under way at a time, whatever number of batches they are of, and
// not more.
func TestSeveralInFlight(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	c := r.client(t)
	check(t, c.Upsert(t.Context(), people(1)), "1 synced")
	var now, most atomic.Int32
	full := make(chan struct{})
	r.respond(func(_ http.ResponseWriter, req *http.Request, _ message) bool {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if n == 8 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		select {
		case <-full:
		case <-req.Context().Done():
		}
		return false
	})
	reports := make(chan contact.Report, 3)
	for range 3 {
		go func() { reports <- c.Upsert(t.Context(), people(20)) }()
	}
	for range 3 {
		check(t, <-reports, "20 synced")
	}
	if most.Load() != 8 {
		t.Errorf("%d requests at a time, want 8", most.Load())
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	began := time.Now()
	check(t, r.client(t, func(o *webhook.Options) { o.RatePer10s = 200 }).Upsert(t.Context(), people(15)), "15 synced")
	if took := time.Since(began); took < 500*time.Millisecond { // 5 at once, and 20 a second
		t.Errorf("15 requests in %v, want 20 a second", took)
	}
}

// The id is that of the request: the same for its attempts, and for nothing else.
func TestIDs(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	c := r.client(t)
	one := people(1)[0]
	other, asked, changed, inserted := one, one, one, one
	other.ID, asked.Request, changed.Version, inserted.Request = "c9", "1764596197", "w", ""
	for _, of := range []contact.Contact{one, one, other, asked, changed, inserted} {
		check(t, c.Upsert(t.Context(), []contact.Contact{of}), "1 synced")
	}
	var ids []string
	for _, m := range r.messages() {
		ids = append(ids, m.ID)
	}
	if ids[0] != ids[1] {
		t.Errorf("two attempts have the ids %s and %s", ids[0], ids[1])
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(ids))); len(distinct) != 5 {
		t.Errorf("%d ids for 5 requests: %v", len(distinct), ids)
	}
}
