package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/destinationtest"
)

// acmeInfo describes Acme, a CRM that exists in tests alone.
var acmeInfo = destination.Info{
	Name: "acme", Label: "Acme", Ordinal: 7, MaxBatch: 50, Setting: "ACME_API_KEY",
	Columns: destination.Prefixed("acme", "acme_person_id"),
}

// acmeSync is how its queue is worked off.
var acmeSync = config.Sync{
	Interval: time.Hour, BatchSize: 10, MaxInstances: 1, MaxRetries: 50, RetryDelay: 100 * time.Millisecond,
}

// acmeServer is Acme itself: POST /people upserts a list by email, GET /me tells
// whether a key is good.
type acmeServer struct {
	*httptest.Server

	mu     sync.Mutex
	key    string
	fault  destinationtest.Fault
	bad    string        // the email of somebody at whom Acme fails
	mended chan struct{} // closed when a fault ends
	people map[string]acmePerson
	writes map[string]int
}

type acmePerson struct {
	ID      string `json:"id"`
	Email   string `json:"email"`
	Name    string `json:"name"`
	Phone   string `json:"phone"`
	Created bool   `json:"created"`
}

func newAcme(t *testing.T) *acmeServer {
	t.Helper()
	s := &acmeServer{key: "acme-key", mended: make(chan struct{}), people: map[string]acmePerson{}, writes: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.setFault(destinationtest.None) // lets go of what hangs
		s.Close()
	})
	return s
}

// setFault makes Acme misbehave until it is called again.
func (s *acmeServer) setFault(f destinationtest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.mended)
	s.mended, s.fault, s.bad = make(chan struct{}), f, ""
}

// spoil makes Acme fail at whatever holds an email.
func (s *acmeServer) spoil(email string, _ destinationtest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad = email
}

func (s *acmeServer) setKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

func (s *acmeServer) stored(email string) (p acmePerson, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.people[email], s.writes[email]
}

func (s *acmeServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.people)
}

func (s *acmeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var list []acmePerson
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	s.mu.Lock()
	fault, mended, good := s.fault, s.mended, r.Header.Get("Authorization") == "Bearer "+s.key
	spoiled := slices.ContainsFunc(list, func(p acmePerson) bool { return p.Email == s.bad })
	s.mu.Unlock()
	switch {
	case fault == destinationtest.Silent:
		select {
		case <-mended:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case fault == destinationtest.Down, spoiled:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case fault == destinationtest.Unauthorized, !good:
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.write(list)
	if fault == destinationtest.LostResponse {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(list)
}

func (s *acmeServer) write(list []acmePerson) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range list {
		p := &list[i]
		known, ok := s.people[p.Email]
		if p.ID, p.Created = known.ID, !ok; !ok {
			p.ID = fmt.Sprintf("person-%d", len(s.people)+1)
		}
		s.people[p.Email] = *p
		s.writes[p.Email]++
	}
}

// acmeClient sends contacts to Acme.
type acmeClient struct {
	url     string
	http    *http.Client
	limiter *rate.Limiter
	key     atomic.Pointer[string]
}

func newAcmeClient(url, key string, timeout time.Duration, wrap func(http.RoundTripper) http.RoundTripper) *acmeClient {
	base := http.DefaultTransport.(*http.Transport).Clone()
	c := &acmeClient{url: url, http: &http.Client{Transport: wrap(base), Timeout: timeout}, limiter: rate.NewLimiter(1000, 1000)}
	c.key.Store(&key)
	return c
}

// Upsert implements [destination.Destination].
func (c *acmeClient) Upsert(ctx context.Context, batch []contact.Contact) (report contact.Report) {
	report.Outcomes = make([]contact.Outcome, len(batch))
	var rows []int
	for i, p := range batch {
		_, err := mail.ParseAddress(p.Key())
		switch {
		case strings.TrimSpace(p.Email) == "":
			report.Outcomes[i] = contact.Outcome{Verdict: contact.Reject, Code: contact.CodeNoEmail, Message: "the contact has no email"}
		case err != nil || !utf8.ValidString(p.Email):
			report.Outcomes[i] = contact.Outcome{Verdict: contact.Reject, Code: contact.CodeInvalidEmail, Message: "Acme takes no such email"}
		default:
			rows = append(rows, i)
		}
	}
	for len(rows) > 0 {
		n := min(len(rows), acmeInfo.MaxBatch)
		more := c.send(ctx, batch, rows[:n], &report)
		if rows = rows[n:]; more {
			continue
		}
		for _, i := range rows {
			report.Outcomes[i] = contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeServerError, Message: "not sent, because the request before it failed"}
		}
		return report
	}
	return report
}

// send makes one request and reports whether another one makes sense.
func (c *acmeClient) send(ctx context.Context, batch []contact.Contact, rows []int, report *contact.Report) (more bool) {
	all := func(o contact.Outcome) {
		for _, i := range rows {
			report.Outcomes[i] = o
		}
	}
	list := make([]acmePerson, len(rows))
	for at, i := range rows {
		list[at] = acmePerson{Email: batch[i].Key(), Name: strings.ReplaceAll(batch[i].Name, "\n", " "), Phone: batch[i].Phone}
	}
	if err := c.limiter.Wait(ctx); err != nil {
		all(contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeOther, Message: "stopped before it was sent"})
		return false
	}
	report.Requests++
	status, err := c.call(ctx, http.MethodPost, "/people", &list)
	switch {
	case errors.Is(err, contact.ErrNotSent):
		all(contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeWorkerStopped, Message: "not sent: the slot was lost"})
	case err != nil && ctx.Err() != nil:
		all(contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeNetwork, Message: "stopped while it was sent", InDoubt: true})
	case err != nil:
		report.Outage = true
		all(contact.Outcome{Verdict: contact.Retry, Code: contact.CodeNetwork, Message: "Acme did not answer", InDoubt: true})
	case status == http.StatusUnauthorized:
		report.Pause = &contact.AccountPause{Code: contact.CodeUnauthorized, Reason: "Acme rejected the key", Probe: true}
		all(contact.Outcome{Verdict: contact.Retry, Code: contact.CodeUnauthorized, Message: "Acme rejected the key", HTTPStatus: status, Forgiving: true})
	case status != http.StatusOK && len(rows) > 1 && c.Probe(ctx) == nil: // perhaps one of them is to blame
		through := false
		for i := range rows {
			through = c.send(ctx, batch, rows[i:i+1], report) || through
		}
		if report.Outage = !through; through {
			report.Reachable = false
			return true
		}
	case status != http.StatusOK:
		report.Outage, report.Reachable = true, c.Probe(ctx) == nil
		all(contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError, Message: "Acme failed", HTTPStatus: status})
	default:
		for at, i := range rows {
			report.Outcomes[i] = contact.Outcome{Verdict: contact.Synced, RemoteID: list[at].ID, Created: list[at].Created}
		}
		return true
	}
	return false
}

// Probe implements [destination.Destination].
func (c *acmeClient) Probe(ctx context.Context) error {
	status, err := c.call(ctx, http.MethodGet, "/me", nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("Acme answers %d", status)
	}
	return err
}

func (c *acmeClient) call(ctx context.Context, method, path string, list *[]acmePerson) (status int, err error) {
	var body bytes.Buffer
	if list != nil {
		if err := json.NewEncoder(&body).Encode(*list); err != nil {
			return 0, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, &body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+*c.key.Load())
	res, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK && list != nil {
		return res.StatusCode, json.NewDecoder(res.Body).Decode(list)
	}
	return res.StatusCode, nil
}

// adapter is how the program carries Acme. newKey has keys that are taken up while it
// runs, as from a file.
func (s *acmeServer) adapter(newKey <-chan string) adapter {
	const timeout = 500 * time.Millisecond
	return adapter{
		info: acmeInfo,
		settings: func(config.Config) settings {
			return settings{configured: true, timeout: timeout, keyFile: true, sync: acmeSync}
		},
		connect: func(o connectOptions) (connection, error) {
			client := newAcmeClient(s.URL, s.key, timeout, o.wrap)
			return connection{
				Destination: client,
				limits: func() destination.Limits {
					return destination.Limits{Rate: destination.Allowance{Window: "1s", Max: 1000, Left: 999, At: time.Now()}, Daily: destination.Unknown("day")}
				},
				refresh: func(context.Context) (bool, error) {
					select {
					case key := <-newKey:
						client.key.Store(&key)
						return true, nil
					default:
						return false, nil
					}
				},
			}, nil
		},
		callName: func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/") },
	}
}

// What every destination must do, Acme does.
func TestAcmeConforms(t *testing.T) {
	t.Parallel()
	destinationtest.Conformance(t, func(t *testing.T) destinationtest.Remote {
		t.Helper()
		s := newAcme(t)
		return destinationtest.Remote{
			Destination: newAcmeClient(s.URL, s.key, time.Minute, noGuard),
			Stored: func(email string) (id, name, phone string, ok bool) {
				p, writes := s.stored(email)
				return p.ID, p.Name, p.Phone, writes > 0
			},
			Writes: func(email string) int {
				_, writes := s.stored(email)
				return writes
			},
			Break: s.setFault,
			Spoil: s.spoil,
		}
	})
}
