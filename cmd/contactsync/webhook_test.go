package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

const (
	webhookKey    = "the key of the test's webhook"
	webhookPath   = "/webhook/0f9e8d7c-capability"
	completeAtN8N = `SELECT count(*)::text FROM contacts WHERE n8n_processing_status = 'Complete' AND n8n_sync_status = 'Complete'`
	completeAtHub = `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`
)

// webhookReceiver takes what is signed with the key, unless it is told to refuse it.
type webhookReceiver struct {
	*httptest.Server

	mu     sync.Mutex
	status int                 // what it answers instead of 200
	ids    map[string][]string // of the messages, by contact
	bodies map[string]map[string]any
	wrong  []string
}

func newWebhookReceiver(t *testing.T) *webhookReceiver {
	t.Helper()
	r := &webhookReceiver{ids: map[string][]string{}, bodies: map[string]map[string]any{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(func() {
		r.Close()
		for _, wrong := range r.wrong {
			t.Error(wrong)
		}
	})
	return r
}

func (r *webhookReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(req.Body)
	id := req.Header.Get("webhook-id")
	mac := hmac.New(sha256.New, []byte(webhookKey))
	fmt.Fprintf(mac, "%s.%s.%s", id, req.Header.Get("webhook-timestamp"), raw)
	signed := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	var body map[string]any
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || json.Unmarshal(raw, &body) != nil || req.URL.Path != webhookPath ||
		req.Header.Get("webhook-signature") != signed || req.Header.Get("Authorization") != "Bearer whsec_"+base64.StdEncoding.EncodeToString([]byte(webhookKey)) {
		r.wrong = append(r.wrong, fmt.Sprintf("%s %s with %v: %s", req.Method, req.URL, req.Header, raw))
	}
	contact := fmt.Sprint(body["contact_id"])
	r.ids[contact] = append(r.ids[contact], id)
	if r.status != 0 {
		w.WriteHeader(r.status)
		return
	}
	r.bodies[contact] = body
	_ = json.NewEncoder(w).Encode(map[string]any{"workflow_id": "wf-" + contact})
}

// answer has it answer with a status; 0 is well.
func (r *webhookReceiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// idsOf returns the ids of the messages about a contact, in their order.
func (r *webhookReceiver) idsOf(contact string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ids[contact])
}

// bodyOf returns the last message about a contact that was taken.
func (r *webhookReceiver) bodyOf(contact string) map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies[contact]
}

// settings are those of the program for it.
func (r *webhookReceiver) settings() []string {
	return []string{
		"N8N_WEBHOOK_URL=" + r.URL + webhookPath, "N8N_WEBHOOK_SECRET=whsec_" + base64.StdEncoding.EncodeToString([]byte(webhookKey)),
		"N8N_FIELD_MAP=phone_number:phone", "N8N_SYNC_SCHEDULER_INTERVAL_MINUTES=60", "N8N_RATE_LIMIT_PER_10S=10000",
		"N8N_SYNC_RETRY_DELAY_MINUTES=100ms", "N8N_SYNC_RETRY_EXPONENTIAL=false", "N8N_SYNC_MAX_RETRIES=100",
		"HUBSPOT_SYNC_RETRY_DELAY_MINUTES=100ms", "HUBSPOT_SYNC_RETRY_EXPONENTIAL=false", "HUBSPOT_SYNC_MAX_RETRIES=100",
	}
}

// queueForBoth has an app queue n contacts for HubSpot and the webhook in one commit.
func queueForBoth(in *progtest.Installation, first, n int) {
	in.Helper()
	in.Exec(`INSERT INTO contacts (email, name, phone_number, hubspot_processing_status, n8n_processing_status)
		SELECT 'c' || i || '@example.org', 'Name ' || i, '+' || i, 'Queued', 'Queued' FROM generate_series($1::int, $1 + $2 - 1) i`, first, n)
}

// One program posts to a webhook and feeds HubSpot, as a role that was granted its rights
// before the webhook was there. What happens to one costs the other
// nothing, and every attempt of one request has the same id.
func TestWebhookBesideHubSpot(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	const columns = `SELECT count(*)::text FROM information_schema.columns WHERE table_name = 'contacts' AND column_name LIKE 'n8n\_%'`
	if got := in.Ask(columns); got != "0" {
		t.Fatalf("%s columns of a webhook that nobody has set", got)
	}
	r := newWebhookReceiver(t)
	env := in.Env(r.settings()...)
	if out, errs, code := in.AsOwner().Command(in.AsOwner().Env(r.settings()...), "migrate", "up"); code != 0 {
		t.Fatalf("migrate up: exit code %d\n%s%s", code, out, errs)
	}
	if got := in.Ask(columns); got != "10" {
		t.Fatalf("%s columns n8n_... after migrate up, want 10", got)
	}
	p := in.Start(env, "run")
	queueForBoth(in, 1, 20)
	in.Await("20", completeAtN8N)
	in.Await("20", completeAtHub)
	in.WantEachOnce(20)
	in.Await("20", `SELECT count(*)::text FROM contacts WHERE n8n_workflow_id = 'wf-' || id AND n8n_retry_count = 0`)
	id := in.Ask(`SELECT id::text FROM contacts WHERE email = 'c7@example.org'`)
	if b := r.bodyOf(id); b["email"] != "c7@example.org" || b["name"] != "Name 7" || b["phone"] != "+7" || b["scrapersky_page_id"] != nil {
		t.Errorf("sent %v", b)
	}

	// The receiver fails: HubSpot goes on, and what is tried again has the id it had.
	r.answer(http.StatusInternalServerError)
	queueForBoth(in, 21, 5)
	in.Await("25", completeAtHub)
	in.Await("SERVER_ERROR", `SELECT string_agg(DISTINCT n8n_error_code, ' ') FROM contacts WHERE n8n_retry_count > 0`)
	if got := in.Ask(`SELECT count(hubspot_error_code) || ' ' || sum(retry_count) FROM contacts`); got != "0 0" {
		t.Errorf("HubSpot's columns tell of %s failures and attempts", got)
	}
	r.answer(0)
	in.Await("25", completeAtN8N)
	again := in.Ask(`SELECT id::text FROM contacts WHERE email = 'c21@example.org'`)
	if ids := r.idsOf(again); len(slices.Compact(ids)) != 1 {
		t.Errorf("the attempts of one request have the ids %v", ids)
	}
	before := r.idsOf(id)
	in.Exec(`UPDATE contacts SET n8n_processing_status = 'Queued' WHERE email = 'c7@example.org'`)
	in.Await("25", completeAtN8N)
	if ids := r.idsOf(id); len(before) != 1 || len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("two requests of one contact have the ids %v", ids)
	}

	// HubSpot fails, and the webhook goes on.
	in.Sim.Inject(hubspotsim.Fault{Status: http.StatusServiceUnavailable})
	queueForBoth(in, 26, 5)
	in.Await("30", completeAtN8N)
	if got := in.Ask(completeAtHub); got != "25" {
		t.Errorf("%s contacts are in HubSpot, which fails", got)
	}
	in.Sim.ClearFaults()
	in.Await("30", completeAtHub)

	// The workflow is switched off: the webhook pauses, nothing is spent, HubSpot goes on;
	// and one contact that is taken ends the pause.
	r.answer(http.StatusNotFound)
	queueForBoth(in, 31, 5)
	in.Await("35", completeAtHub)
	in.Await("n8n NOT_FOUND", `SELECT string_agg(concat_ws(' ', destination, pause_code), ', ') FROM contactsync.slots WHERE pause_code IS NOT NULL`)
	r.answer(0)
	in.Await("35", completeAtN8N)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, line := range p.Log() {
		if strings.Contains(line, "capability") || strings.Contains(line, "whsec_") {
			t.Errorf("it logs %s", line)
		}
	}
}

// A webhook works without HubSpot.
func TestWebhookAlone(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	r := newWebhookReceiver(t)
	env := in.Env(append(r.settings(), "HUBSPOT_API_KEY=")...)
	if out, errs, code := in.AsOwner().Command(in.AsOwner().Env(r.settings()...), "migrate", "up"); code != 0 {
		t.Fatalf("migrate up: exit code %d\n%s%s", code, out, errs)
	}
	p := in.Start(env, "run")
	queueForBoth(in, 1, 12)
	in.Exec(`INSERT INTO contacts (name, n8n_processing_status) VALUES ('Without an email', 'Queued')`)
	in.Exec(`INSERT INTO contacts (email, name, n8n_processing_status) VALUES ('twin@example.org', 'One', 'Queued'), ('Twin@Example.org', 'Two', 'Queued')`)
	in.Await("15", completeAtN8N)
	for _, name := range []string{"One", "Two"} { // rows are its contacts, not emails
		if b := r.bodyOf(in.Ask(`SELECT id::text FROM contacts WHERE name = $1`, name)); b["name"] != name {
			t.Errorf("of the row %s it got %v", name, b)
		}
	}
	if got := in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Queued'`); got != "12" {
		t.Errorf("%s contacts wait for HubSpot, want 12", got)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
