package hubspot

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

const firewall = `<html><head><title>Attention Required!</title><style>b{}</style></head><body><b>Sorry</b>, you have been blocked &amp; logged</body></html>`

// oneRowsFaults is what one contact can make HubSpot, or what stands before it, do to
// the whole request that it is in.
var oneRowsFaults = []struct {
	name  string
	fault hubspotsim.Fault
	code  contact.Code
	says  string
	doubt bool // those that were in a failed request may be written by it still
	least time.Duration
	most  time.Duration
}{
	{"500", hubspotsim.Fault{Status: 500}, contact.CodeServerError, "500 Internal Server Error: internal error", false, 0, 0},
	{"502", hubspotsim.Fault{Status: 502}, contact.CodeServerError, "502 Bad Gateway", true, 0, 0},
	{"the page of a firewall", hubspotsim.Fault{Status: 403, Body: firewall, Header: map[string]string{"Content-Type": "text/html"}}, contact.CodeInvalidValue, "403 Forbidden: Attention Required! Sorry , you have been blocked & logged", false, 0, 0},
	{"406 of a firewall", hubspotsim.Fault{Status: 406}, contact.CodeOther, "406 Not Acceptable", false, 0, 0},
	{"404 of a firewall", hubspotsim.Fault{Status: 404, Body: "no", Header: map[string]string{"Content-Type": "text/plain"}}, contact.CodeNotFound, "404 Not Found: no", false, 0, 0},
	{"a redirect to a captcha", hubspotsim.Fault{Mode: hubspotsim.Redirect, URL: "https://captcha.example.com"}, contact.CodeBadResponse, "307", false, 0, 0},
	{"a page said to be fine", hubspotsim.Fault{Mode: hubspotsim.NotJSON}, contact.CodeBadResponse, "not the expected JSON", false, 0, 0},
	{"a broken connection", hubspotsim.Fault{Mode: hubspotsim.Cut}, contact.CodeNetwork, "connection to HubSpot broken", true, 0, 0},
	{"no answer", hubspotsim.Fault{Mode: hubspotsim.Hang}, contact.CodeTimeout, "no response from HubSpot within 30s", true, 60 * time.Second, 120 * time.Second},
	{"locked for ever", hubspotsim.Fault{Status: 423}, contact.CodeRateLimited, "423 Locked", false, 30 * time.Second, time.Minute},
	{"too many requests for ever", hubspotsim.Fault{Status: 429}, contact.CodeRateLimited, "429 Too Many Requests", false, 50 * time.Second, 3 * time.Minute},
}

// One contact of a batch makes every request fail that it is in. All others are synced
// by the same batch; the one is named, in the words of who refused it, and spends an
// attempt; and there are no more requests than it takes to find it.
func TestOneRowsFault(t *testing.T) {
	t.Parallel()
	for _, test := range oneRowsFaults {
		for _, n := range []int{10, 100} {
			for _, at := range []int{0, n / 2, n - 1} {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						p := inMemory(t, simOptions(), nil)
						batch := people(n)
						fault := test.fault
						fault.Holds = batch[at].Key()
						p.Inject(fault)
						began := time.Now()
						report := p.Upsert(t.Context(), batch)
						took := time.Since(began)
						for i, o := range report.Outcomes {
							if t.Failed() {
								break
							}
							switch {
							case i == at && (o.Verdict != contact.Retry || o.Code != test.code || o.Forgiving || o.InDoubt != test.doubt ||
								!strings.HasPrefix(o.Message, test.says) && !strings.Contains(o.Message, test.says) || !strings.HasSuffix(o.Message, "(this contact alone: others went through)")):
								t.Errorf("the culprit: %+v", o)
							case i != at && (o.Verdict != contact.Synced || o.RemoteID == ""):
								t.Errorf("contact %d: %+v", i, o)
							case i != at && !test.doubt && o.InDoubt:
								t.Errorf("contact %d is in doubt", i)
							}
						}
						if report.Outage || report.Pause != nil {
							t.Errorf("outage %v, pause %+v", report.Outage, report.Pause)
						}
						if test.doubt && !report.Outcomes[(at+1)%n].InDoubt {
							t.Error("a neighbour that was in a request without an answer is in no doubt")
						}
						if took < test.least || took > test.most {
							t.Errorf("took %v, want %v to %v", took, test.least, test.most)
						}
						if n := len(p.Writes()); n != len(batch)-1 {
							t.Errorf("%d writes, want each good contact once", n)
						}
						if most := 32; report.Requests > most {
							t.Errorf("%d requests, want %d at most", report.Requests, most)
						}
						t.Logf("one of %d, at %d: %d requests in %v", n, at, report.Requests, took)
					})
				})
			}
		}
	}
}

// Twenty in a hundred and one in twenty, of thousand contacts in batches of hundred.
func TestManyRowsFaults(t *testing.T) {
	t.Parallel()
	for _, every := range []int{2, 5, 20} {
		synctest.Test(t, func(t *testing.T) {
			p := inMemory(t, simOptions(), nil)
			p.Inject(hubspotsim.Fault{Status: 500, Holds: "Poison"})
			requests := 0
			for range 10 {
				batch := people(100)
				for i := range batch {
					if i%every == every/2 {
						batch[i].Name = "Poison"
					}
				}
				report := p.Upsert(t.Context(), batch)
				requests += report.Requests
				for i, o := range report.Outcomes {
					if want := map[bool]contact.Verdict{true: contact.Retry, false: contact.Synced}[batch[i].Name == "Poison"]; o.Verdict != want {
						t.Errorf("one in %d, contact %d: %+v, want %s", every, i, o, want)
					}
				}
			}
			t.Logf("one in %d: %d requests for 1000 contacts", every, requests)
		})
	}
}

// Writes fail while the account can be read: three contacts are tried alone, and those
// pay; nothing is known of the others, and they pay nothing.
func TestWritesFailAlone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault hubspotsim.Fault
		want  string
	}{
		{hubspotsim.Fault{Status: 503}, "3 retry SERVER_ERROR, 247 unspent SERVER_ERROR, outage"},
		{hubspotsim.Fault{Mode: hubspotsim.Cut}, "3 retry NETWORK in doubt, 97 unspent NETWORK in doubt, 150 unspent NETWORK, outage"},
		{hubspotsim.Fault{Mode: hubspotsim.Hang}, "3 retry TIMEOUT in doubt, 97 unspent TIMEOUT in doubt, 150 unspent TIMEOUT, outage"},
		{hubspotsim.Fault{Status: 406}, "3 retry OTHER, 247 unspent OTHER, outage"},
		{hubspotsim.Fault{Status: 404}, "250 unspent NOT_FOUND, pause NOT_FOUND"},
		{hubspotsim.Fault{Status: 403, Body: firewall, Header: map[string]string{"Content-Type": "text/html"}}, "100 retry FORBIDDEN, 150 unspent FORBIDDEN, pause FORBIDDEN"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := inMemory(t, simOptions(), nil)
			test.fault.Path = "batch/upsert"
			p.Inject(test.fault)
			report := p.Upsert(t.Context(), people(250))
			check(t, sorted(report), test.want)
			if report.Reachable != report.Outage {
				t.Errorf("reachable %v, want it of the outage", report.Reachable)
			}
			if got := p.upserts(); got != 4 {
				t.Errorf("%d upserts, want 4", got)
			}
			if pause := report.Pause; pause != nil && pause.Code == contact.CodeForbidden && !strings.Contains(pause.Reason, "a firewall or proxy") {
				t.Errorf("reason %q", pause.Reason)
			}
			p.ClearFaults()
			check(t, p.Upsert(t.Context(), people(250)), "250 synced")
		})
	}
}

// sorted puts those that tried first.
func sorted(r contact.Report) contact.Report {
	var tried, others []contact.Outcome
	for _, o := range r.Outcomes {
		if o.Verdict == contact.Retry {
			tried = append(tried, o)
		} else {
			others = append(others, o)
		}
	}
	r.Outcomes = append(tried, others...)
	return r
}

// A contact that failed alone before gets a request of its own, and pays again while
// the account can be read, whether or not others are there to go through.
func TestWhoFailedAloneIsSentAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := inMemory(t, simOptions(), nil)
		p.Inject(hubspotsim.Fault{Status: 500, Holds: "Poison"})
		batch := people(20)
		for i := range 3 {
			batch[i].Name, batch[i].FailedAlone = "Poison", true
		}
		check(t, p.Upsert(t.Context(), batch), "3 retry SERVER_ERROR, 17 synced")
		if got := p.upserts(); got != 4 {
			t.Errorf("%d upserts, want one for the good ones and one for each of the others", got)
		}
		report := p.Upsert(t.Context(), batch[:3])
		check(t, report, "3 retry SERVER_ERROR, outage")
		if !report.Reachable || !strings.Contains(report.Outcomes[0].Message, "this contact alone") {
			t.Errorf("%+v", report)
		}
		p.Inject(hubspotsim.Fault{Status: 500}) // the account's read fails as well
		report = p.Upsert(t.Context(), batch[:3])
		if report.Reachable || strings.Contains(report.Outcomes[0].Message, "this contact alone") {
			t.Errorf("%+v", report)
		}
	})
}

// The account goes silent in the midst of the search for a culprit: it ends soon.
func TestOutageDuringTheSearch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := inMemory(t, simOptions(), nil)
		batch := people(100)
		p.Inject(hubspotsim.Fault{Status: 500, Holds: batch[0].Key()})
		var once sync.Once
		p.OnRequest(func(r hubspotsim.Request) {
			if r.Status == http.StatusOK && strings.HasSuffix(r.Path, "upsert") {
				once.Do(func() { p.Inject(hubspotsim.Fault{Mode: hubspotsim.Hang}) })
			}
		})
		began := time.Now()
		report := p.Upsert(t.Context(), batch)
		if took := time.Since(began); took > 3*time.Minute {
			t.Errorf("took %v", took)
		}
		spent := 0
		for _, o := range report.Outcomes {
			if o.Verdict == contact.Retry {
				spent++
			}
		}
		if spent == len(batch) {
			t.Error("all have spent an attempt")
		}
		t.Logf("%s: %d requests in %v", tell(report), report.Requests, time.Since(began))
		p.ClearFaults()
	})
}

// One contact of an answer is refused for the rate limit every time: it pays for itself.
func TestOneRowIsAlwaysRateLimited(t *testing.T) {
	t.Parallel()
	for _, shape := range []hubspotsim.ErrorShape{hubspotsim.ErrorPerRow, hubspotsim.ErrorGrouped, hubspotsim.ErrorIDsOnly, hubspotsim.ErrorBare} {
		synctest.Test(t, func(t *testing.T) {
			sim := simOptions()
			sim.Behaviour.ErrorShape = shape
			p := inMemory(t, sim, nil)
			batch := people(20)
			p.Inject(hubspotsim.Fault{Mode: hubspotsim.RowError, Holds: batch[7].Key(), Category: "RATE_LIMITS"})
			report := p.Upsert(t.Context(), batch)
			if o := report.Outcomes[7]; o.Verdict != contact.Retry || o.Code != contact.CodeRateLimited || report.Pause != nil || report.Outage {
				t.Errorf("%s: %+v", shape, report)
			}
			check(t, sorted(report), "1 retry RATE_LIMITED, 19 synced")
			if report.Requests > 2 {
				t.Errorf("%d requests", report.Requests)
			}
		})
	}
}

// What HubSpot says of the key is never searched for in the contacts.
func TestTheKeyIsNoContactsFault(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 402, 403} {
		p := overTheWire(t, simOptions(), nil)
		p.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: status})
		if report := p.Upsert(t.Context(), people(100)); report.Requests != 1 || report.Pause == nil {
			t.Errorf("%d: %d requests, pause %+v", status, report.Requests, report.Pause)
		}
	}
}

// The wait for a contact that is locked, or too much, does not make the search long.
func TestHastyRequestsWaitOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := inMemory(t, simOptions(), nil)
		p.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: http.StatusTooManyRequests})
		u := new(api.Usage)
		e := p.api.Call(t.Context(), u, p.api.UpsertRequest([]api.Input{{ID: "a@example.org"}}).Hasty(), new(api.BatchAnswer))
		if e == nil || u.Requests() != 2 {
			t.Errorf("%v after %d requests, want two", e, u.Requests())
		}
	})
}
