package webhook_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/webhook"
)

func TestBody(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	c := r.client(t, func(o *webhook.Options) {
		o.Now = func() time.Time { return time.Date(2026, 9, 30, 23, 30, 0, 5e6, time.FixedZone("", -2*3600)) }
		o.Fields = []webhook.Field{
			{Name: "jobTitle"},
			{Name: "absent"},
			{Name: "cleared", Clear: true},
			{Name: "score", Kind: contact.KindNumber},
			{Name: "vip", Kind: contact.KindBool},
			{Name: "tags", Kind: contact.KindList},
		}
	})
	full := contact.Contact{
		ID: "42", Email: " Ann@Example.org ", Name: "Ann \"<b>\" Example\n שלום 👩‍🚀", Phone: "+1 555", DomainID: "7", PageID: "8",
		Extra: []string{"Head of <R&D>", " ", "", "12.50", "true", "a;b"},
	}
	empty := contact.Contact{ID: "43", Extra: make([]string, 6)}
	check(t, c.Upsert(t.Context(), []contact.Contact{full, empty}), "2 synced")
	for i, want := range []string{
		`{"contact_id":"42","email":"Ann@Example.org","name":"Ann \"<b>\" Example\n שלום 👩‍🚀","scrapersky_domain_id":"7","scrapersky_page_id":"8",
		  "timestamp":"2026-10-01T01:30:00.005Z","jobTitle":"Head of <R&D>","cleared":null,"score":12.5,"vip":true,"tags":["a","b"]}`,
		`{"contact_id":"43","email":null,"name":null,"scrapersky_domain_id":null,"scrapersky_page_id":null,"timestamp":"2026-10-01T01:30:00.005Z","cleared":null}`,
	} {
		var wanted map[string]any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if got := r.messages()[i].Body; !reflect.DeepEqual(got, wanted) {
			t.Errorf("sent %v\nwant %v", got, wanted)
		}
	}
}

func TestWorkflowID(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		``:                                   "",
		`ok`:                                 "",
		`{"message":"Workflow was started"}`: "",
		`{"n8n_workflow_id":"a","workflow_id":"b"}`: "a",
		`{"workflow_id":" b "}`:                     "b",
		`{"workflowId":17}`:                         "17",
		`{"workflowId":17.5}`:                       "",
		`{"workflowId":9007199254740993}`:           "",
		`{"workflow_id":{"x":1}}`:                   "",
		`{"workflow_id":""}`:                        "",
		`{"workflow_id":"a\u0000b"}`:                "",
		`[{"workflow_id":"c"},{}]`:                  "c",
		`[]`:                                        "",
		`null`:                                      "",
	} {
		r := newReceiver(t)
		r.respond(func(w http.ResponseWriter, _ *http.Request, _ message) bool {
			_, _ = w.Write([]byte(answer))
			return true
		})
		report := r.client(t).Upsert(t.Context(), people(1))
		check(t, report, "1 synced")
		if got := report.Outcomes[0].RemoteID; got != want {
			t.Errorf("%s: id %q, want %q", answer, got, want)
		}
	}
}

// The signature is the one of Standard Webhooks' own example.
func TestSignatureOfTheSpecification(t *testing.T) {
	t.Parallel()
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := signature(testSecret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`); got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestWithoutASecret(t *testing.T) {
	t.Parallel()
	var seen http.Header
	r := newReceiver(t)
	r.respond(func(_ http.ResponseWriter, req *http.Request, _ message) bool {
		seen = req.Header.Clone()
		return false
	})
	check(t, r.client(t, func(o *webhook.Options) { o.Secret = "" }).Upsert(t.Context(), people(1)), "1 synced")
	r.wrong = nil // the receiver wants a secret
	if seen.Get("Webhook-Id") == "" || seen.Get("Webhook-Timestamp") == "" || seen.Get("Webhook-Signature") != "" || seen.Get("Authorization") != "" {
		t.Errorf("sent %v", seen)
	}
}
