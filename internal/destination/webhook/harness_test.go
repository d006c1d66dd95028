package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/webhook"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // the example of the specification

// receiver is a strict webhook: it refuses what is not signed as it should be.
type receiver struct {
	*httptest.Server

	mu       sync.Mutex
	answer   func(w http.ResponseWriter, r *http.Request, m message) (handled bool)
	received []message
	wrong    []string // what no request should have been like
}

// message is a request as the receiver understood it.
type message struct {
	ID     string
	Body   map[string]any
	Raw    string
	Header http.Header
}

func (m message) contactID() string { return fmt.Sprint(m.Body["contact_id"]) }

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(func() {
		r.Close()
		for _, wrong := range r.wrong {
			t.Error(wrong)
		}
	})
	return r
}

func (r *receiver) client(t *testing.T, change ...func(*webhook.Options)) *webhook.Client {
	t.Helper()
	o := webhook.Options{URL: r.URL + "/webhook/1f0e6a52-path", Secret: testSecret, RatePer10s: 100_000, Timeout: time.Minute}
	for _, f := range change {
		f(&o)
	}
	c, err := webhook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *receiver) respond(answer func(w http.ResponseWriter, r *http.Request, m message) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// status answers with a status, for these contacts, or for all where there are none.
func (r *receiver) status(status int, ids ...string) {
	r.respond(func(w http.ResponseWriter, _ *http.Request, m message) bool {
		for _, id := range ids {
			if id == m.contactID() {
				w.WriteHeader(status)
				return true
			}
		}
		if len(ids) == 0 {
			w.WriteHeader(status)
		}
		return len(ids) == 0
	})
}

func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.received...)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	raw, _ := io.ReadAll(req.Body)
	m := message{ID: req.Header.Get("Webhook-Id"), Raw: string(raw), Header: req.Header.Clone()}
	err := json.Unmarshal(raw, &m.Body)
	r.mu.Lock()
	switch {
	case req.Method != http.MethodPost, req.URL.Path != "/webhook/1f0e6a52-path":
		r.wrong = append(r.wrong, req.Method+" "+req.URL.Path)
	case err != nil, req.Header.Get("Content-Type") != "application/json":
		r.wrong = append(r.wrong, "a body that is no JSON: "+m.Raw)
	case m.ID == "" || strings.Contains(m.ID, "."):
		r.wrong = append(r.wrong, "the id "+m.ID)
	case req.Header.Get("Authorization") != "Bearer "+testSecret:
		r.wrong = append(r.wrong, "the bearer token "+req.Header.Get("Authorization"))
	case req.Header.Get("Webhook-Signature") != signature(testSecret, m.ID, req.Header.Get("Webhook-Timestamp"), m.Raw):
		r.wrong = append(r.wrong, "the signature "+req.Header.Get("Webhook-Signature"))
	}
	answer := r.answer
	r.received = append(r.received, m)
	r.mu.Unlock()
	if answer != nil && answer(w, req, m) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"workflow_id": "wf-" + m.contactID()})
}

// signature is what the specification says of it.
func signature(secret, id, timestamp, body string) string {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		key, _ = base64.StdEncoding.DecodeString(encoded)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func people(n int) []contact.Contact {
	batch := make([]contact.Contact, n)
	for i := range batch {
		batch[i] = contact.Contact{
			ID: fmt.Sprintf("c%d", i), Email: fmt.Sprintf("Person%d@Example.org", i), Name: fmt.Sprintf("Person %d", i),
			Request: "1764596196.123456", Version: fmt.Sprintf("v%d", i),
		}
	}
	return batch
}

// tell is a report in a line: the outcomes counted, and what it means beyond them.
func tell(r contact.Report) string {
	var parts []string
	count := map[string]int{}
	for _, o := range r.Outcomes {
		line := strings.TrimSpace(string(o.Verdict) + " " + string(o.Code))
		if o.InDoubt {
			line += " in doubt"
		}
		if o.Forgiving {
			line += " forgiving"
		}
		if count[line]++; count[line] == 1 {
			parts = append(parts, line)
		}
	}
	for i, line := range parts {
		parts[i] = fmt.Sprintf("%d %s", count[line], line)
	}
	if r.Pause != nil {
		parts = append(parts, "pause "+string(r.Pause.Code))
	}
	if r.Outage {
		parts = append(parts, "outage")
	}
	return strings.Join(parts, ", ")
}

func check(t *testing.T, r contact.Report, want string) {
	t.Helper()
	if got := tell(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for i, o := range r.Outcomes {
		if o.Verdict != contact.Synced && (o.Message == "" || len([]rune(o.Message)) > 500) {
			t.Errorf("contact %d: %s with the message %q", i, o.Code, o.Message)
		}
	}
	if r.Pause != nil && (r.Pause.Reason == "" || r.Pause.Probe) {
		t.Errorf("pause %+v, want one with a reason and without a probe", r.Pause)
	}
}
