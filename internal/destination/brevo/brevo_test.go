package brevo

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/destinationtest"
	"github.com/scrapersky/contactsync/internal/lab/brevosim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "xkeysib-7d1e0f5c-this-is-the-test-key"

// remote is a simulator with a client for it.
type remote struct {
	*brevosim.Sim
	*Client
}

func start(t *testing.T, sim brevosim.Options, change func(*Options)) remote {
	t.Helper()
	sim.Key = testKey
	p := remote{Sim: brevosim.New(sim)}
	server := httptest.NewServer(p.Sim)
	t.Cleanup(server.Close)
	t.Cleanup(p.ClearFaults)
	transport := &http.Transport{MaxConnsPerHost: 2 * inFlight, MaxIdleConnsPerHost: 2 * inFlight}
	t.Cleanup(transport.CloseIdleConnections)
	o := Options{
		BaseURL: server.URL, Key: testKey, HTTP: &http.Client{Transport: transport},
		Attributes: AttributeNames{Phone: "PHONE", DomainID: "DOMAIN_ID", PageID: "PAGE_ID"},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if p.Client, err = New(o); err != nil {
		t.Fatal(err)
	}
	return p
}

// swift is an account that takes as many requests as a test makes.
func swift() brevosim.Options { return brevosim.Options{Rate: highestRate} }

func person(email string) contact.Contact {
	return contact.Contact{ID: "1", Email: email, Name: "Ada Example"}
}

// one sends a contact alone.
func (p remote) one(t *testing.T, c contact.Contact) (contact.Outcome, contact.Report) {
	t.Helper()
	report := p.Upsert(t.Context(), []contact.Contact{c})
	if len(report.Outcomes) != 1 {
		t.Fatalf("%d outcomes", len(report.Outcomes))
	}
	return report.Outcomes[0], report
}

func (p remote) keepsContract(t *testing.T) {
	t.Helper()
	for _, v := range p.Violations() {
		t.Error(v)
	}
	if d := p.Doubled(); len(d) > 0 {
		t.Errorf("under way twice at the same time: %v", d)
	}
	for _, r := range p.Received() {
		for _, never := range []string{"emailBlacklisted", "smsBlacklisted", "forceMerge", "ext_id", "smtpBlacklistSender", `"EMAIL"`, "null"} {
			if strings.Contains(r.Body, never) {
				t.Errorf("%s was sent: %s", never, r.Body)
			}
		}
	}
}

// What every destination must do.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]brevosim.Options{
		"an update tells no id": {Rate: highestRate}, "an update tells the id": {Rate: highestRate, TellID: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Conformance(t, func(t *testing.T) destinationtest.Remote {
				t.Helper()
				p := start(t, options, nil)
				if !options.TellID { // of which the contract says nothing
					t.Cleanup(func() { p.keepsContract(t) })
				}
				return destinationtest.Remote{
					Destination: p.Client,
					Stored: func(email string) (id, name, phone string, ok bool) {
						c, ok := p.Contact(email)
						phone, _ = c.Attributes["PHONE"].(string)
						return fmt.Sprint(c.ID), fmt.Sprint(c.Attributes["FIRSTNAME"], " ", c.Attributes["LASTNAME"]), phone, ok
					},
					Writes: func(email string) (n int) {
						for _, w := range p.Writes() {
							if w.Email == email {
								n++
							}
						}
						return n
					},
					Spoil: func(email string, f destinationtest.Fault) {
						if f != destinationtest.Down {
							t.Fatalf("no contact can be spoiled by %q here", f)
						}
						p.Inject(brevosim.Fault{Method: http.MethodPost, Holds: email, Status: 500})
					},
					Break: func(f destinationtest.Fault) {
						p.ClearFaults()
						p.SetKey(testKey)
						switch f {
						case destinationtest.None:
						case destinationtest.Unauthorized:
							p.SetKey("another key")
						case destinationtest.Down:
							p.Inject(brevosim.Fault{Status: 500})
						case destinationtest.Silent:
							p.Inject(brevosim.Fault{Mode: brevosim.Hang})
						case destinationtest.LostResponse:
							p.Inject(brevosim.Fault{Method: http.MethodPost, Mode: brevosim.Cut, AfterWrite: true})
						}
					},
				}
			})
		})
	}
}

// What each refusal means, with bodies as Brevo sends them.
func TestClassification(t *testing.T) {
	t.Parallel()
	const pausesForKey, pausesForIP = "set BREVO_API_KEY to a valid one", "https://app.brevo.com/security/authorised_ips"
	tests := []struct {
		name    string
		status  int
		body    string
		want    string // verdict and code
		message string // a part of it
		pause   string // a part of the reason; empty: none
	}{
		{"a key that Brevo does not know", 401, `{"code":"unauthorized","message":"Key not found"}`, "retry UNAUTHORIZED forgiving", "401 Unauthorized: Key not found", pausesForKey},
		{"no key arrived", 401, `{"code":"unauthorized","message":"authentication not found in headers"}`, "retry UNAUTHORIZED forgiving", "not found in headers", pausesForKey},
		{
			"an address that Brevo does not know", 401,
			`{"code":"unauthorized","message":"We have detected you are using an unrecognised IP address 203.0.113.7. If you performed this action make sure to add the new IP address in this link: https://app.brevo.com/security/authorised_ips"}`,
			"retry UNAUTHORIZED forgiving", "203.0.113.7", pausesForIP,
		},
		{"payment", 402, `{"code":"not_enough_credits","message":"You do not have enough credits"}`, "retry FORBIDDEN forgiving", "402", "enough credits"},
		{"a right that is lacking", 403, `{"code":"permission_denied","message":"Permission denied"}`, "retry FORBIDDEN forgiving", "403", "the right to write"},
		{"an account that is looked at", 400, `{"code":"account_under_validation","message":"Your account is under validation"}`, "retry FORBIDDEN forgiving", "validation", "validation"},
		{"the account's code outranks the text", 400, `{"code":"not_enough_credits","message":"Invalid email address"}`, "retry FORBIDDEN forgiving", "", "Invalid email"},
		{"an email", 400, `{"code":"invalid_parameter","message":"Invalid email address"}`, "reject INVALID_EMAIL", "400 Bad Request: Invalid email address", ""},
		{"an email that is another's", 400, `{"code":"invalid_parameter","message":"x","metadata":{"duplicate_identifiers":["email"]}}`, "reject CONFLICT", "", ""},
		{"a parameter that is missing", 400, `{"code":"missing_parameter","message":"email is missing"}`, "reject MISSING_REQUIRED", "", ""},
		{"another refusal", 400, `{"code":"out_of_range","message":"out of range"}`, "reject INVALID_VALUE", "", ""},
		{"422", 422, `{"message":"no"}`, "reject INVALID_VALUE", "422", ""},
		{"a refusal of somebody else", 400, `<html>`, "retry OTHER", "400", ""},
		{"a list in the text, while the set-up is in order", 400, `{"code":"invalid_parameter","message":"the list of values"}`, "reject INVALID_VALUE", "", ""},
		{"members of other types", 400, `{"code":7,"message":["x"],"metadata":"y"}`, "retry OTHER", "", ""},
		{"no such call", 404, `{"code":"document_not_found","message":"x"}`, "unspent NOT_FOUND", "", "BREVO_API_BASE_URL"},
		{"no such method", 405, `{"code":"method_not_allowed","message":"x"}`, "unspent NOT_FOUND", "", "BREVO_API_BASE_URL"},
		{"a redirect", 307, ``, "retry BAD_RESPONSE", "redirects are not followed", ""},
		{"a fault of Brevo's", 500, `{"code":"internal","message":"x"}`, "retry SERVER_ERROR", "500", ""},
		{"a gateway", 502, `<html>`, "retry SERVER_ERROR in doubt", "502", ""},
		{"Cloudflare", 522, `error code: 522`, "retry SERVER_ERROR in doubt", "522 Web Server Unreachable", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, swift(), nil)
			p.Inject(brevosim.Fault{Method: http.MethodPost, Status: test.status, Body: test.body, Header: map[string]string{"Sib-Request-Id": "req-7"}})
			o, report := p.one(t, person("ada@example.org"))
			got := string(o.Verdict) + " " + string(o.Code)
			if o.Forgiving {
				got += " forgiving"
			}
			if o.InDoubt {
				got += " in doubt"
			}
			if got != test.want || !strings.Contains(o.Message, test.message) {
				t.Errorf("%s %q, want %s %q", got, o.Message, test.want, test.message)
			}
			if o.Verdict != contact.Unspent && o.CorrelationID != "req-7" {
				t.Errorf("correlation id %q", o.CorrelationID)
			}
			switch {
			case test.pause == "" && report.Pause != nil:
				t.Errorf("paused: %+v", report.Pause)
			case test.pause != "" && (report.Pause == nil || !report.Pause.Probe || !strings.Contains(report.Pause.Reason, test.pause)):
				t.Errorf("pause %+v, want %q", report.Pause, test.pause)
			}
			if report.Pause != nil && strings.Contains(report.Pause.Reason, pausesForKey) && strings.Contains(report.Pause.Reason, pausesForIP) {
				t.Errorf("it says both: %s", report.Pause.Reason)
			}
		})
	}
}

// A telephone number that Brevo refuses, or that another contact has, costs the number
// and not the person.
func TestNumber(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		number, body string // of a refusal by Brevo; empty: the simulator's own
		posts        int
	}{
		"no country code":   {"0151 1234567", "", 1},
		"taken":             {"+49 (151) 1234-567", "", 2},
		"taken, since May":  {"+4915199", `{"code":"invalid_parameter","message":"Unable to update","metadata":{"duplicate_identifiers":["SMS"]}}`, 2},
		"taken, by text":    {"+4915199", `{"code":"duplicate_parameter","message":"SMS is already associated with another Contact"}`, 2},
		"refused by Brevo":  {"+4915199", `{"code":"invalid_parameter","message":"Invalid phone number"}`, 2},
		"refused, WhatsApp": {"+4915199", `{"code":"invalid_parameter","message":"Invalid WhatsApp number"}`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, swift(), func(o *Options) { o.Attributes.Extra = []Extra{{Name: "SMS", Kind: contact.KindText}} })
			first := person("first@example.org")
			first.Extra = []string{"49151-1234567"}
			if o, _ := p.one(t, first); o.Verdict != contact.Synced || o.Code != "" {
				t.Fatalf("%+v", o)
			}
			if test.body != "" {
				p.Inject(brevosim.Fault{Method: http.MethodPost, Status: 400, Body: test.body, Times: 1})
			}
			before := p.Count(http.MethodPost, "/contacts")
			c := person("second@example.org")
			c.Extra = []string{test.number}
			o, _ := p.one(t, c)
			if o.Verdict != contact.Synced || o.Code != contact.CodeInvalidValue || !strings.Contains(o.Message, "without SMS") {
				t.Errorf("%+v, want it synced with a warning", o)
			}
			stored, ok := p.Contact("second@example.org")
			if _, has := stored.Attributes["SMS"]; !ok || has || stored.Attributes["FIRSTNAME"] != "Ada" {
				t.Errorf("stored %+v", stored)
			}
			if n := p.Count(http.MethodPost, "/contacts") - before; n != test.posts {
				t.Errorf("%d requests, want %d", n, test.posts)
			}
			p.keepsContract(t)
		})
	}
}

// A person who has left stays away, whatever is written of them.
func TestBlocklist(t *testing.T) {
	t.Parallel()
	p := start(t, swift(), nil)
	p.one(t, person("ada@example.org"))
	p.Block("ada@example.org")
	c := person("Ada@Example.org")
	c.Name = "New Name"
	o, _ := p.one(t, c)
	if stored, _ := p.Contact("ada@example.org"); o.Verdict != contact.Synced || !stored.Blacklisted || stored.Attributes["FIRSTNAME"] != "New" {
		t.Errorf("%+v: %+v", o, stored)
	}
	p.keepsContract(t)
}

// The id of a contact that was there before is asked for once, and is a number.
func TestID(t *testing.T) {
	t.Parallel()
	p := start(t, swift(), nil)
	p.one(t, person("ada+list@example.org"))
	fresh, err := New(p.options)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		report := fresh.Upsert(t.Context(), []contact.Contact{person("ada+list@example.org")})
		if o := report.Outcomes[0]; o.Verdict != contact.Synced || o.RemoteID != "101" || o.Created {
			t.Errorf("%+v, want the id 101", o)
		}
	}
	if n := p.Count(http.MethodGet, "/contacts/ada+list@example.org"); n != 1 {
		t.Errorf("asked %d times for the id", n)
	}
}

// Types are sent as the account has them.
func TestTypes(t *testing.T) {
	t.Parallel()
	sim := swift()
	sim.Attributes = brevosim.Standard()
	maps.Copy(sim.Attributes, map[string]string{"OPEN": "boolean", "OPEN_TEXT": "text", "SINCE": "date", "SIZE": "float", "TAGS": "multiple-choice"})
	extra := []Extra{
		{"OPEN", contact.KindBool}, {"OPEN_TEXT", contact.KindBool}, {"SINCE", contact.KindTime}, {"SIZE", contact.KindNumber}, {"TAGS", contact.KindList},
	}
	p := start(t, sim, func(o *Options) { o.Attributes.Extra = extra })
	c := person("ada@example.org")
	c.Extra = []string{"true", "true", "2026-02-01T10:00:00.000Z", "12.50", "a;b"}
	o, _ := p.one(t, c)
	stored, _ := p.Contact("ada@example.org")
	for name, want := range map[string]string{"OPEN": "true", "OPEN_TEXT": "True", "SINCE": "2026-02-01", "SIZE": "12.5", "TAGS": "[a b]"} {
		if got := fmt.Sprint(stored.Attributes[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if o.Code != "" {
		t.Errorf("%+v", o)
	}
	c.Extra = []string{"", "", "", "1234567890123456", ""}
	if o, _ = p.one(t, c); o.Verdict != contact.Synced || !strings.Contains(o.Message, "without SIZE") {
		t.Errorf("%+v, want a warning about SIZE", o)
	}
	p.keepsContract(t)
}

// What Brevo would drop without a word pauses the account before anything is sent, and
// the account goes on when it is there.
func TestSetup(t *testing.T) {
	t.Parallel()
	sim := swift()
	sim.Attributes = map[string]string{"PRENOM": "text", "NOM": "text", "PHONE": "float", "PAGE_ID": "text"}
	p := start(t, sim, func(o *Options) { o.ListID = 30 })
	o, report := p.one(t, person("ada@example.org"))
	if o.Verdict != contact.Unspent || report.Pause == nil || report.Pause.Code != contact.CodePropertyMissing {
		t.Fatalf("%+v, %+v", o, report.Pause)
	}
	for _, want := range []string{"no attribute DOMAIN_ID (type text)", "PHONE is of type float, expected text"} {
		if !strings.Contains(report.Pause.Reason, want) {
			t.Errorf("reason %q, want %q", report.Pause.Reason, want)
		}
	}
	if len(p.Writes()) != 0 || p.Probe(t.Context()) == nil {
		t.Error("it goes on although attributes are missing")
	}
	p.SetAttribute("PHONE", "text")
	p.SetAttribute("DOMAIN_ID", "text")
	if err := p.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "Brevo has no list 30") {
		t.Errorf("probe: %v", err)
	}
	fine := sim
	fine.Attributes, fine.Lists = nil, []int64{30}
	q := start(t, fine, func(o *Options) { o.ListID = 30 })
	if o, _ := q.one(t, person("ada@example.org")); o.Verdict != contact.Synced {
		t.Errorf("%+v", o)
	}
	if stored, _ := q.Contact("ada@example.org"); !slices.Equal(stored.Lists, []int64{30}) {
		t.Errorf("lists %v", stored.Lists)
	}
	// An attribute that goes away later is noticed where Brevo refuses it.
	strict := swift()
	strict.RefuseUnknown = true
	s := start(t, strict, nil)
	s.one(t, person("ada@example.org"))
	s.SetAttribute("FIRSTNAME", "")
	if o, report := s.one(t, person("ada@example.org")); o.Verdict != contact.Unspent || report.Pause == nil || !strings.Contains(report.Pause.Reason, "name") {
		t.Errorf("%+v, %+v", o, report.Pause)
	}
	q.keepsContract(t)
}

// The account's language has names of its own for the name.
func TestFrenchAccount(t *testing.T) {
	t.Parallel()
	sim := swift()
	sim.Attributes = map[string]string{"PRENOM": "text", "NOM": "text", "PHONE": "text", "DOMAIN_ID": "text", "PAGE_ID": "text"}
	p := start(t, sim, nil)
	p.one(t, person("ada@example.org"))
	if stored, _ := p.Contact("ada@example.org"); stored.Attributes["PRENOM"] != "Ada" || stored.Attributes["NOM"] != "Example" {
		t.Errorf("stored %+v", stored)
	}
}

// One row's fault is one row's: who fails while others go through spends its attempts,
// and the others do not wait.
func TestOneRowsFault(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 403} {
		p := start(t, swift(), nil)
		p.Inject(brevosim.Fault{Method: http.MethodPost, Holds: "poison@", Status: status, Body: "<html>"})
		batch := []contact.Contact{person("poison@example.org")}
		for i := range 20 {
			batch = append(batch, person(fmt.Sprintf("p%d@example.org", i)))
		}
		report := p.Upsert(t.Context(), batch)
		if o := report.Outcomes[0]; o.Verdict != contact.Retry || o.Forgiving || !strings.Contains(o.Message, "others went through") {
			t.Errorf("%d: %+v", status, o)
		}
		for i, o := range report.Outcomes[1:] {
			if o.Verdict != contact.Synced {
				t.Errorf("%d: contact %d: %+v", status, i, o)
			}
		}
		if report.Outage || report.Pause != nil {
			t.Errorf("%d: %+v", status, report)
		}
	}
}

// A limit that passes within a minute is waited for; a longer one pauses the account.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 425} {
		p := start(t, swift(), nil)
		p.one(t, person("first@example.org"))
		p.Inject(brevosim.Fault{Method: http.MethodPost, Status: status, Times: 1, Header: map[string]string{"X-Sib-Ratelimit-Reset": "1"}})
		if o, report := p.one(t, person("ada@example.org")); o.Verdict != contact.Synced || report.Throttled < time.Second/2 {
			t.Errorf("%d: %+v after %v", status, o, report.Throttled)
		}
	}
	p := start(t, swift(), nil)
	p.Inject(brevosim.Fault{Method: http.MethodPost, Status: 429, Header: map[string]string{"X-Sib-Ratelimit-Reset": "1800"}})
	if o, report := p.one(t, person("ada@example.org")); o.Verdict != contact.Unspent || report.Pause == nil || report.Pause.For != 30*time.Minute {
		t.Errorf("%+v, %+v", o, report.Pause)
	}
}

// In any second no more leave than the limit, and 95 % of it do: on a clock of the test's
// own, because a busy machine moves them together.
func TestLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		leave := func(n int) (left []time.Time) {
			for range n {
				if _, err := l.wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				left = append(left, time.Now())
				time.Sleep(time.Millisecond)
			}
			return left
		}
		expect := func(left []time.Time, rate int) {
			t.Helper()
			for i := rate; i < len(left); i++ {
				if d := left[i].Sub(left[i-rate]); d < time.Second {
					t.Fatalf("%d requests within %v, want no more than %d a second", rate+1, d, rate)
				}
			}
			if got := float64(len(left)-1) / left[len(left)-1].Sub(left[0]).Seconds(); got < 0.95*float64(rate) {
				t.Errorf("%.1f a second, want at least 95 %% of %d", got, rate)
			}
		}
		answer := func(limit, left, reset string) http.Header {
			return http.Header{"X-Sib-Ratelimit-Limit": {limit}, "X-Sib-Ratelimit-Remaining": {left}, "X-Sib-Ratelimit-Reset": {reset}}
		}
		expect(leave(201), 10)
		l.learn(answer("20", "3", "1"))
		time.Sleep(time.Minute)
		expect(leave(401), 20)
		l.learn(answer("36000", "0", "30")) // the bucket of an hour is empty
		began := time.Now()
		leave(1)
		if d := time.Since(began); d < 30*time.Second {
			t.Errorf("it goes on after %v, want 30 s", d)
		}
		l.learn(answer("nonsense", "0", "30"))
		l.learn(answer("10", "0", "1"))
		time.Sleep(time.Minute)
		expect(leave(201), 10)
	})
}

// An account that counts strictly gets what it allows. A request that comes too early all
// the same, as on a busy machine, costs no contact an attempt.
func TestRate(t *testing.T) {
	t.Parallel()
	p := start(t, brevosim.Options{Rate: 10, Latency: 50 * time.Millisecond}, nil)
	batch := make([]contact.Contact, 50)
	for i := range batch {
		batch[i] = person(fmt.Sprintf("p%d@example.org", i))
	}
	began := time.Now()
	report := p.Upsert(t.Context(), batch)
	took := time.Since(began)
	for i, o := range report.Outcomes {
		if o.Verdict != contact.Synced {
			t.Errorf("contact %d: %+v", i, o)
		}
	}
	refused := 0
	for _, r := range p.Received() {
		if r.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if n := p.MostAtOnce(); n > inFlight {
		t.Errorf("%d under way at the same time, want %d at most", n, inFlight)
	}
	t.Logf("%d requests in %v: %.1f a second; %d were refused", report.Requests, took, float64(report.Requests)/took.Seconds(), refused)
	p.keepsContract(t)
}

func TestBlockedMessageHidesTheKey(t *testing.T) {
	t.Parallel()
	p := start(t, swift(), nil)
	p.Inject(brevosim.Fault{Status: 401, Body: `{"message":"Key ` + testKey + ` not found"}`})
	o, report := p.one(t, person("ada@example.org"))
	if strings.Contains(o.Message, testKey) || strings.Contains(report.Pause.Reason, testKey) || !strings.Contains(o.Message, "REDACTED") {
		t.Errorf("%q, %q", o.Message, report.Pause.Reason)
	}
}

// A new key is taken up when the old one is refused, without a contact's cost.
func TestRotatedKey(t *testing.T) {
	t.Parallel()
	now := testKey
	p := start(t, swift(), func(o *Options) { o.Reread = func() (string, error) { return now, nil } })
	p.one(t, person("first@example.org"))
	p.SetKey("xkeysib-new")
	now = "xkeysib-new"
	if o, _ := p.one(t, person("ada@example.org")); o.Verdict != contact.Synced {
		t.Errorf("%+v", o)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for key, good := range map[string]bool{"xkeysib-1": true, "": false, "xsmtpsib-1": false, "a b": false} {
		if _, err := New(Options{Key: key}); (err == nil) != good {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// Doctor tells a wrong key from an address that Brevo does not know, and what is missing.
func TestChecks(t *testing.T) {
	t.Parallel()
	sim := swift()
	sim.Attributes = map[string]string{"FIRSTNAME": "text", "LASTNAME": "text", "PHONE": "text", "PAGE_ID": "date"}
	p := start(t, sim, func(o *Options) { o.ListID = 30 })
	found := map[string]string{}
	look := func() {
		for _, check := range p.Checks() {
			f := check.Run(t.Context())
			found[check.Name] = string(f.Level) + ": " + f.Found + " | " + f.Remedy
		}
	}
	expect := func(name, part string) {
		t.Helper()
		if !strings.Contains(found[name], part) {
			t.Errorf("%s: %q, want %q", name, found[name], part)
		}
	}
	look()
	expect("key", "ok: taken by Brevo, for account Example")
	expect("attributes", "failed: no attribute DOMAIN_ID (type text); attribute PAGE_ID is of type date, expected text")
	expect("list", "failed: Brevo has no list 30")
	p.SetAttribute("DOMAIN_ID", "text")
	p.SetAttribute("PAGE_ID", "text")
	look()
	expect("attributes", "ok: all are there; the name goes to FIRSTNAME and LASTNAME")
	p.SetKey("another")
	look()
	expect("key", "set BREVO_API_KEY to a valid key")
	p.Inject(brevosim.Fault{Status: 401, Body: `{"message":"unrecognised IP address 203.0.113.7 https://app.brevo.com/security/authorised_ips"}`})
	p.SetKey(testKey)
	look()
	expect("key", "the key is not to blame")
	p.keepsContract(t)
}

// The probe costs one request of the contacts' budget, and none of the others'.
func TestProbe(t *testing.T) {
	t.Parallel()
	p := start(t, swift(), nil)
	p.one(t, person("ada@example.org"))
	before := len(p.Received())
	if err := p.Probe(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if list := p.Received()[before:]; len(list) != 1 || list[0].Path != "/contacts" || list[0].Query != "limit=1" {
		t.Errorf("the probe made %+v", list)
	}
}

// A network that fails is an outage as much as a 5xx is, whatever went well before.
func TestNoAnswerIsAnOutage(t *testing.T) {
	t.Parallel()
	const garbled = "<html>"
	for name, test := range map[string]struct {
		spoil func(p remote, server *httptest.Server)
		want  contact.Code
	}{
		"nobody listens":  {func(_ remote, server *httptest.Server) { server.Close() }, contact.CodeNetwork},
		"no answer comes": {func(p remote, _ *httptest.Server) { p.Inject(brevosim.Fault{Mode: brevosim.Hang}) }, contact.CodeTimeout},
		"it breaks off":   {func(p remote, _ *httptest.Server) { p.Inject(brevosim.Fault{Mode: brevosim.Cut}) }, contact.CodeNetwork},
		"somebody else's": {func(p remote, _ *httptest.Server) { p.Inject(brevosim.Fault{Status: 200, Body: garbled}) }, contact.CodeBadResponse},
		"without an id":   {func(p remote, _ *httptest.Server) { p.Inject(brevosim.Fault{Status: 201, Body: "{}"}) }, contact.CodeBadResponse},
		"it is not ending": {func(p remote, _ *httptest.Server) {
			p.Inject(brevosim.Fault{Status: 201, Body: strings.Repeat(" ", maxBody+1)})
		}, contact.CodeBadResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, swift(), nil)
			server := httptest.NewServer(p.Sim)
			t.Cleanup(server.Close)
			t.Cleanup(p.ClearFaults)
			p.options.BaseURL = server.URL
			if o, _ := p.one(t, person("first@example.org")); o.Verdict != contact.Synced || !p.isProven() {
				t.Fatalf("%+v", o)
			}
			p.options.Timeout = 200 * time.Millisecond
			if test.want != contact.CodeTimeout {
				p.options.Timeout = time.Minute
			}
			test.spoil(p, server)
			batch := make([]contact.Contact, 20)
			for i := range batch {
				batch[i] = person(fmt.Sprintf("p%d@example.org", i))
			}
			report := p.Upsert(t.Context(), batch)
			if !report.Outage || report.Pause != nil || p.isProven() {
				t.Errorf("outage %t, pause %+v, proven %t; want an outage", report.Outage, report.Pause, p.isProven())
			}
			for i, o := range report.Outcomes {
				if o.Code != test.want || o.Verdict != contact.Retry && o.Verdict != contact.Unspent {
					t.Errorf("contact %d: %+v, want %s", i, o, test.want)
				}
			}
		})
	}
}

// A set-up that cannot be read is never the row's fault, and never asked for again and
// again: the batch pauses the account, or is an outage.
func TestSetupThatCannotBeRead(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"doubted": `{"code":"invalid_parameter","message":"the attribute is invalid"}`,
		"a row's": `{"code":"invalid_parameter","message":"no"}`,
		"number":  `{"code":"invalid_parameter","message":"Invalid phone number"}`,
		"foreign": `<html>`,
	}
	for _, path := range []string{"/contacts/attributes", "/contacts/lists"} {
		for _, status := range []int{400, 409, 418, 422} {
			for name, body := range bodies {
				t.Run(fmt.Sprint(path, " ", status, " ", name), func(t *testing.T) {
					t.Parallel()
					sim := swift()
					sim.Lists = []int64{30}
					p := start(t, sim, func(o *Options) { o.ListID = 30 })
					p.Inject(brevosim.Fault{Method: http.MethodGet, Path: path, Status: status, Body: body})
					o, report := p.one(t, person("ada@example.org"))
					if o.Verdict != contact.Unspent || report.Outage || len(p.Writes()) != 0 {
						t.Errorf("%+v, outage %t, %d writes", o, report.Outage, len(p.Writes()))
					}
					if pause := report.Pause; pause == nil || pause.Code != contact.CodePropertyMissing || !pause.Probe ||
						!strings.Contains(pause.Reason, "cannot be read: "+fmt.Sprint(status)) {
						t.Errorf("pause %+v", pause)
					}
					if p.Probe(t.Context()) == nil {
						t.Error("the probe passes")
					}
					p.ClearFaults()
					if err := p.Probe(t.Context()); err != nil {
						t.Error(err)
					}
					if o, _ := p.one(t, person("ada@example.org")); o.Verdict != contact.Synced {
						t.Errorf("%+v", o)
					}
				})
			}
		}
	}
}

// A refusal that names an attribute is nobody's fault as long as the account cannot be
// looked at.
func TestDoubtThatCannotBeSettled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault   brevosim.Fault
		verdict contact.Verdict
		code    contact.Code
	}{
		"a fault of Brevo's": {brevosim.Fault{Status: 503}, contact.Unspent, contact.CodeServerError},
		"no answer":          {brevosim.Fault{Mode: brevosim.Cut}, contact.Unspent, contact.CodeNetwork},
		"a refused key":      {brevosim.Fault{Status: 401}, contact.Retry, contact.CodeUnauthorized},
		"too many requests":  {brevosim.Fault{Status: 429, Header: map[string]string{"X-Sib-Ratelimit-Reset": "1800"}}, contact.Unspent, contact.CodeRateLimited},
		"a refusal":          {brevosim.Fault{Status: 400}, contact.Unspent, contact.CodePropertyMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, swift(), nil)
			p.one(t, person("first@example.org"))
			p.Inject(brevosim.Fault{Method: http.MethodPost, Status: 400, Body: `{"code":"invalid_parameter","message":"the attribute PHONE is invalid"}`})
			test.fault.Method, test.fault.Path = http.MethodGet, "/contacts/attributes"
			p.Inject(test.fault)
			batch := make([]contact.Contact, 10)
			for i := range batch {
				batch[i] = person(fmt.Sprintf("p%d@example.org", i))
			}
			report := p.Upsert(t.Context(), batch)
			for i, o := range report.Outcomes {
				if o.Verdict != test.verdict || o.Code != test.code || o.Verdict == contact.Retry && !o.Forgiving {
					t.Errorf("contact %d: %+v, want %s %s", i, o, test.verdict, test.code)
				}
			}
			if report.Pause == nil || report.Pause.Code != test.code {
				t.Errorf("pause %+v, want %s", report.Pause, test.code)
			}
			if test.code != contact.CodeRateLimited && p.Probe(t.Context()) == nil {
				t.Error("the probe passes although the account cannot be looked at")
			}
			p.ClearFaults()
			if err := p.Probe(t.Context()); err != nil {
				t.Error(err)
			}
			if o, _ := p.one(t, person("p1@example.org")); o.Verdict != contact.Synced {
				t.Errorf("%+v", o)
			}
		})
	}
}

const simAccount = "5fa2b8c123456789abcdef01" // that of the simulator

// owner is what a database knows of the account that it is synced to.
type owner struct {
	account string   // empty: none yet
	asked   []string // what was asked, in order
	err     error    // the database's trouble
}

func (o *owner) accept(_ context.Context, account string, aboutToWrite bool) (known bool, err error) {
	o.asked = append(o.asked, fmt.Sprint(account, " ", aboutToWrite))
	if o.err != nil {
		return false, o.err
	}
	if o.account == "" && aboutToWrite {
		o.account = account
	}
	if o.account != "" && o.account != account {
		return true, &destination.OtherAccountError{Known: o.account, Found: account}
	}
	return o.account != "", nil
}

// Whose the key is gets asked before anything is written, and not again.
func TestAccountIsAccepted(t *testing.T) {
	t.Parallel()
	var db owner
	p := start(t, swift(), func(o *Options) { o.Accept = db.accept })
	for i := range 5 {
		if o, _ := p.one(t, person(fmt.Sprintf("p%d@example.org", i))); o.Verdict != contact.Synced {
			t.Fatalf("%+v", o)
		}
	}
	if err := p.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if want := []string{simAccount + " false", simAccount + " true"}; !slices.Equal(db.asked, want) || db.account != simAccount {
		t.Errorf("asked %q, want %q", db.asked, want)
	}
	if n := p.Count(http.MethodGet, "/account"); n != 2 {
		t.Errorf("%d requests for the account, want one before and one when writing begins", n)
	}
	p.keepsContract(t)
}

// Nothing is written to another account than the one that the database is synced to,
// until a person has said so or the right key is back.
func TestOtherAccount(t *testing.T) {
	t.Parallel()
	db := owner{account: "another"}
	p := start(t, swift(), func(o *Options) { o.Accept = db.accept })
	o, report := p.one(t, person("ada@example.org"))
	if o.Verdict != contact.Retry || o.Code != contact.CodeForbidden || !o.Forgiving || o.InDoubt {
		t.Errorf("%+v, want it to wait for the account", o)
	}
	if pause := report.Pause; pause == nil || pause.Code != contact.CodeForbidden || !pause.Probe || pause.Reason != o.Message ||
		!strings.HasSuffix(pause.Reason, "UPDATE contactsync.accounts SET account = '"+simAccount+"' WHERE destination = 'brevo'") {
		t.Errorf("pause %+v", pause)
	}
	if err := p.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), simAccount) {
		t.Errorf("probe: %v", err)
	}
	if n := p.Count(http.MethodGet, "/contacts/attributes"); n != 0 || len(p.Writes()) != 0 {
		t.Errorf("%d looks at the other account, wrote %v", n, p.Writes())
	}
	db.account = simAccount
	if err := p.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if o, _ := p.one(t, person("ada@example.org")); o.Verdict != contact.Synced {
		t.Errorf("%+v", o)
	}
	db.err = context.DeadlineExceeded
	fresh, err := New(p.options)
	if err != nil {
		t.Fatal(err)
	}
	if report := fresh.Upsert(t.Context(), []contact.Contact{person("b@example.org")}); report.Outcomes[0].Verdict != contact.Unspent || report.Pause != nil || report.Outage {
		t.Errorf("the database's trouble: %+v", report)
	}
	if n := len(p.Writes()); n != 1 {
		t.Errorf("%d writes, want one", n)
	}
}

// A key that is changed may be another account's: when it is read anew, and in the
// middle of a batch, too.
func TestOtherAccountsKey(t *testing.T) {
	t.Parallel()
	const other = "xkeysib-other"
	for _, refused := range []bool{false, true} {
		db := owner{account: simAccount}
		now := testKey
		p := start(t, swift(), func(o *Options) {
			o.Accept, o.Reread = db.accept, func() (string, error) { return now, nil }
		})
		if o, _ := p.one(t, person("first@example.org")); o.Verdict != contact.Synced {
			t.Fatalf("%+v", o)
		}
		// The other key's account, as the database has it from now on.
		db.account, now = "another", other
		p.SetKey(other)
		if !refused {
			if changed, err := p.Refresh(t.Context()); !changed || err != nil {
				t.Fatal(changed, err)
			}
		}
		batch := make([]contact.Contact, 20)
		for i := range batch {
			batch[i] = person(fmt.Sprintf("p%d@example.org", i))
		}
		report := p.Upsert(t.Context(), batch)
		for i, o := range report.Outcomes {
			if o.Code != contact.CodeForbidden || !o.Forgiving {
				t.Errorf("refused %t: contact %d: %+v", refused, i, o)
			}
		}
		if report.Pause == nil || report.Pause.Code != contact.CodeForbidden || len(p.Writes()) != 1 {
			t.Errorf("refused %t: pause %+v, %d writes", refused, report.Pause, len(p.Writes()))
		}
		if n := p.Count(http.MethodGet, "/account"); n > 1+inFlight {
			t.Errorf("refused %t: %d requests for the account", refused, n)
		}
	}
}

// An account that Brevo does not tell holds nothing up, and costs few requests; a key
// that it refuses is refused.
func TestAccountNotTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault brevosim.Fault
		want  contact.Code
	}{
		"a fault of Brevo's": {brevosim.Fault{Status: 503}, ""},
		"a right is lacking": {brevosim.Fault{Status: 403}, ""},
		"too many requests":  {brevosim.Fault{Status: 429}, ""},
		"without an id":      {brevosim.Fault{Status: 200, Body: "{}"}, ""},
		"a refused key":      {brevosim.Fault{Status: 401}, contact.CodeUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var db owner
			p := start(t, swift(), func(o *Options) { o.Accept = db.accept })
			test.fault.Path = "/account"
			p.Inject(test.fault)
			for range 2 {
				o, report := p.one(t, person("ada@example.org"))
				if o.Code != test.want || (o.Verdict == contact.Synced) != (test.want == "") || (report.Pause == nil) != (test.want == "") {
					t.Errorf("%+v, %+v", o, report.Pause)
				}
			}
			if n := p.Count(http.MethodGet, "/account"); n < 1 || n > 2 || len(db.asked) > 0 {
				t.Errorf("%d requests for the account; the database was asked %q", n, db.asked)
			}
			if t.Failed() || test.want != "" {
				return
			}
			p.ClearFaults()
			p.trusted.until = time.Now() // some minutes later
			if o, _ := p.one(t, person("ada@example.org")); o.Verdict != contact.Synced || db.account != simAccount {
				t.Errorf("%+v; the account was not asked for again: %q", o, db.asked)
			}
		})
	}
}
