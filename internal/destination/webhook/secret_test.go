package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/webhook"
)

// Whatever the receiver says, and even if it repeats them: neither the secret nor the
// address is in an outcome, a pause or a line of the log, nor is an email in the log.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	const password, path, token, secret = "hunter2-hunter2", "0a1b2c3d-capability", "t0ken-t0ken", "s3cret-s3cret-s3cret"
	secrets := []string{path, token, secret}
	echo := strings.Join(secrets, " ") + " /webhook/" + path + "?token=" + token
	for _, test := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"json", "application/json", `{"message":"` + echo + `"}`, 500},
		{"json of a refusal", "application/json; charset=utf-8", `{"error":"` + echo + `"}`, 400},
		{"n8n's own", "application/json", `{"code":404,"message":"The requested webhook \"POST ` + path + `\" is not registered.","hint":"x"}`, 404},
		{"escaped", "application/json", `{"message":"` + strings.ReplaceAll(echo, "s3", `\u00733`) + `"}`, 401},
		{"plain", "text/plain", strings.Repeat("x ", 97) + echo, 403},
		{"with a user", "text/plain", password + " " + path + " " + token, 502},
		{"page", "text/html", "<html>" + echo, 502},
		{"busy", "text/plain", echo, 429},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.contentType)
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			parts := secrets
			address, signing := server.URL+"/webhook/"+path+"?token="+token, secret
			if test.name == "with a user" {
				address, signing = strings.Replace(address, "http://", "http://ada:"+password+"@", 1), ""
				parts = []string{password, path, token}
			}
			var log bytes.Buffer
			c, err := webhook.New(webhook.Options{
				URL: address, Secret: signing,
				Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			if err != nil {
				t.Fatal(err)
			}
			reports := []contact.Report{c.Upsert(t.Context(), people(3))}
			server.Close()
			reports = append(reports, c.Upsert(t.Context(), people(3))) // and when nobody answers
			told := new(strings.Builder)
			if err := json.NewEncoder(told).Encode(reports); err != nil {
				t.Fatal(err)
			}
			for _, part := range parts {
				if strings.Contains(told.String(), part) {
					t.Errorf("%q is told: %s", part, told)
				}
				if strings.Contains(log.String(), part) {
					t.Errorf("%q is logged: %s", part, log.String())
				}
			}
			if strings.Contains(log.String(), "xample.org") || log.Len() == 0 {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

// Of a path in short parts an answer may repeat what comes after any of them.
func TestShortPartsOfThePathAreNotTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ path, says, want string }{
		{"/webhook/crm/x7Qa", `The requested webhook "POST crm/x7Qa" is not registered.`, `The requested webhook "POST REDACTED" is not registered.`},
		{"/webhook/crm/x7Qa/", `x7Qa of webhook/crm/x7Qa`, "REDACTED of REDACTED"},
		{"/webhook-test/a/b%20c", `a/b c, a/b%20c of webhook-test`, "REDACTED, REDACTED of webhook-test"},
	} {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte(test.says))
			}))
			defer server.Close()
			var log bytes.Buffer
			c, err := webhook.New(webhook.Options{URL: server.URL + test.path, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			if err != nil {
				t.Fatal(err)
			}
			report := fmt.Sprintf("%+v", c.Upsert(t.Context(), people(1)))
			if !strings.Contains(report, test.want) {
				t.Errorf("told %s, want %s", report, test.want)
			}
			if secret := strings.Trim(test.path, "/"); strings.Contains(log.String(), secret) || strings.Contains(log.String(), "x7Qa") {
				t.Errorf("logged %s", &log)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"https://n8n.example.org/webhook/x":           true,
		"https://n8n.example.org/webhook/x?token=abc": true,
		"http://localhost:5678/webhook/x":             true,
		"http://127.0.0.1:5678/webhook/x":             true,
		"http://[::1]:5678/webhook/x":                 true,
		"http://n8n:5678/hunter2":                     false,
		"http://127.0.0.1.example.org/hunter2":        false,
		"ftp://example.org/hunter2":                   false,
		"n8n.example.org/hunter2":                     false,
		"https://example.org/#hunter2":                false,
		"https://user:hunter2@example.org/":           false, // and a secret
		"https:///hunter2":                            false,
		"https://exa mple.org/hunter2":                false,
		"":                                            false,
	} {
		_, err := webhook.New(webhook.Options{URL: address, Secret: "s3cret"})
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := webhook.New(webhook.Options{URL: "http://n8n:5678/x", AllowHTTP: true}); err != nil {
		t.Errorf("http where it is allowed: %v", err)
	}
	for _, secret := range []string{"whsec_", "whsec_%%%", "two words", "quoted\n", "schlüssel"} {
		_, err := webhook.New(webhook.Options{URL: "https://example.org/", Secret: secret})
		if err == nil || secret != "whsec_" && strings.Contains(err.Error(), secret) {
			t.Errorf("secret %q: %v", secret, err)
		}
	}
}

// heldBack is a way on which this side sends nothing.
type heldBack struct{}

func (heldBack) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%w: the lease is over", contact.ErrNotSent)
}

func TestHeldBackSpendsNothing(t *testing.T) {
	t.Parallel()
	c, err := webhook.New(webhook.Options{URL: "https://n8n.example.org/", HTTP: &http.Client{Transport: heldBack{}}})
	if err != nil {
		t.Fatal(err)
	}
	check(t, c.Upsert(t.Context(), people(3)), "3 unspent WORKER_STOPPED")
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	for _, code := range contact.Codes() {
		if advice, ok := webhook.Advice[code]; !ok || advice.Means == "" || advice.Do == "" {
			t.Errorf("%s has no advice: %+v", code, advice)
		}
	}
}
