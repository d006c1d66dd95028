package hubspot

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// TestClassification is the one table of what an answer to the upsert of a
// single contact means, for the row and for the account.
func TestClassification(t *testing.T) {
	t.Parallel()
	const (
		html     = "<html><body>Sorry</body></html>"
		packed   = `{"category":"VALIDATION_ERROR","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"bad\",\"error\":\"%\",\"name\":\"scrapersky_page_id\"}]"}`
		noReason = `{"status":"error"}`
		probed   = -1
	)
	validation := func(code string) string {
		return `{"status":"error","category":"VALIDATION_ERROR","message":"bad","correlationId":"c-1","errors":[{"message":"no good","code":"` + code +
			`","context":{"propertyName":["scrapersky_page_id"]}}]}`
	}
	partly := func(category, code string) string {
		return `{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{"status":"error","category":"` + category +
			`","message":"m","context":{"ids":["a@example.org"]},"errors":[{"message":"no good","code":"` + code + `"}]}]}`
	}
	tests := []struct {
		name   string
		status int
		header string // "Name: value"
		body   string
		want   string
		pause  time.Duration // 0: the caller decides; probed: with a probe
	}{
		{"synced", 200, "", `{"results":[{"id":"7","new":true,"properties":{"email":"A@example.org"}}]}`, "1 synced", 0},
		{"201", 201, "", `{"results":[{"id":7,"properties":{"email":"a@example.org"}}]}`, "1 synced", 0},
		{"207", 207, "", `{"results":[{"id":"7","properties":{"email":"a@example.org"}}],"errors":[]}`, "1 synced", 0},
		{"nobody", 200, "", `{"status":"COMPLETE","results":[]}`, "1 retry NOT_CONFIRMED", 0},
		{"no results", 200, "", `{}`, "1 retry NOT_CONFIRMED", 0},
		{"result without id", 200, "", `{"results":[{"properties":{"email":"a@example.org"}}]}`, "1 retry NOT_CONFIRMED", 0},
		{"array", 200, "", `[]`, "1 retry BAD_RESPONSE, outage", 0},
		{"html", 200, "Content-Type: text/html", html, "1 retry BAD_RESPONSE, outage", 0},
		{"html said to be JSON", 200, "", html, "1 retry BAD_RESPONSE, outage", 0},
		{"no content", 204, "Content-Type: x", "", "1 retry BAD_RESPONSE, outage", 0},
		{"redirect", 302, "Location: https://example.com/?token=1", "", "1 retry BAD_RESPONSE, outage", 0},

		{"207 email", 207, "", partly("VALIDATION_ERROR", "INVALID_EMAIL"), "1 reject INVALID_EMAIL", 0},
		{"207 option", 207, "", partly("VALIDATION_ERROR", "INVALID_OPTION"), "1 reject INVALID_VALUE", 0},
		{"207 not found", 207, "", partly("OBJECT_NOT_FOUND", ""), "1 reject NOT_FOUND", 0},
		{"207 internal", 207, "", partly("INTERNAL_ERROR", ""), "1 retry SERVER_ERROR", 0},
		{"207 limit", 207, "", partly("RATE_LIMITS", ""), "1 retry RATE_LIMITED", 0},
		{"207 new category", 207, "", partly("SURPRISE", ""), "1 retry OTHER", 0},
		{"207 property", 207, "", partly("VALIDATION_ERROR", "PROPERTY_DOESNT_EXIST"), "1 unspent PROPERTY_MISSING, pause PROPERTY_MISSING", probed},

		{"400 email", 400, "", validation("INVALID_EMAIL"), "1 reject INVALID_EMAIL", 0},
		{"400 integer", 400, "", validation("INVALID_INTEGER"), "1 reject INVALID_VALUE", 0},
		{"400 date", 400, "", validation("INVALID_DATE"), "1 reject INVALID_VALUE", 0},
		{"400 required", 400, "", validation("MISSING_REQUIRED_PROPERTY"), "1 reject MISSING_REQUIRED", 0},
		{"400 conditional", 400, "", validation("MISSING_CONDITIONAL_REQUIRED_PROPERTY"), "1 reject MISSING_REQUIRED", 0},
		{"400 property", 400, "", validation("PROPERTY_DOESNT_EXIST"), "1 unspent PROPERTY_MISSING, pause PROPERTY_MISSING", probed},
		{"400 read-only", 400, "", validation("READ_ONLY_VALUE"), "1 unspent PROPERTY_MISSING, pause PROPERTY_MISSING", probed},
		{"400 only in the message", 400, "", strings.ReplaceAll(packed, "%", "INVALID_EMAIL"), "1 reject INVALID_EMAIL", 0},
		{"400 property, in the message", 400, "", strings.ReplaceAll(packed, "%", "PROPERTY_DOESNT_EXIST"), "1 unspent PROPERTY_MISSING, pause PROPERTY_MISSING", probed},
		{"400 a row that talks like an error", 400, "", `{"category":"VALIDATION_ERROR","message":"Email address PROPERTY_DOESNT_EXIST@CONFLICT is invalid"}`, "1 reject INVALID_VALUE", 0},
		{"400 key", 400, "", `{"category":"VALIDATION_ERROR","message":"Unable to perform update/upsert by non-unique 0-1 property"}`, "1 unspent PROPERTY_MISSING, pause PROPERTY_MISSING", probed},
		{"400 with a message", 400, "", `{"message":"so not"}`, "1 reject INVALID_VALUE", 0},
		{"400 without a reason", 400, "", noReason, "1 retry OTHER", 0},
		{"400 of a proxy", 400, "Content-Type: text/html", html, "1 retry OTHER", 0},
		{"413", 413, "", "", "1 reject INVALID_VALUE", 0},
		{"418", 418, "", "", "1 retry OTHER", 0},
		{"422", 422, "", validation("INVALID_EMAIL"), "1 reject INVALID_EMAIL", 0},

		{"401", 401, "", `{"category":"INVALID_AUTHENTICATION","message":"no"}`, "1 retry UNAUTHORIZED, pause UNAUTHORIZED", probed},
		{"401 html", 401, "Content-Type: text/html", html, "1 retry UNAUTHORIZED, pause UNAUTHORIZED", probed},
		{"402", 402, "", noReason, "1 retry FORBIDDEN, pause FORBIDDEN", probed},
		{"403", 403, "", `{"category":"MISSING_SCOPES","message":"no"}`, "1 retry FORBIDDEN, pause FORBIDDEN", probed},
		{"404", 404, "", `{"category":"OBJECT_NOT_FOUND","message":"resource not found"}`, "1 unspent NOT_FOUND, pause NOT_FOUND", probed},
		{"405", 405, "", "", "1 unspent NOT_FOUND, pause NOT_FOUND", probed},
		{"410", 410, "", "", "1 unspent NOT_FOUND, pause NOT_FOUND", probed},
		{"415", 415, "", "", "1 unspent NOT_FOUND, pause NOT_FOUND", probed},

		{"408", 408, "", "", "1 retry TIMEOUT, outage", 0},
		{"423 for ever", 423, "", noReason, "1 unspent RATE_LIMITED, pause RATE_LIMITED", 0},
		{"429 for ever", 429, "", `{"policyName":"TEN_SECONDLY_ROLLING"}`, "1 unspent RATE_LIMITED, pause RATE_LIMITED", 0},
		{"429 of a second", 429, "", `{"policyName":"SECONDLY","message":"daily limit"}`, "1 unspent RATE_LIMITED, pause RATE_LIMITED", 0},
		{"429 for long", 429, "Retry-After: 1800", noReason, "1 unspent RATE_LIMITED, pause RATE_LIMITED", 30 * time.Minute},
		{"429 daily", 429, "", `{"policyName":"DAILY"}`, "1 unspent DAILY_LIMIT, pause DAILY_LIMIT", time.Hour},
		{"429 daily by the header", 429, "X-HubSpot-RateLimit-Daily-Remaining: 0", noReason, "1 unspent DAILY_LIMIT, pause DAILY_LIMIT", time.Hour},
		{"429 daily by the message", 429, "", `{"message":"You have reached your daily limit."}`, "1 unspent DAILY_LIMIT, pause DAILY_LIMIT", time.Hour},
		{"477", 477, "Retry-After: 7200", noReason, "1 unspent MIGRATING, pause MIGRATING", 2 * time.Hour},
		{"477 by a date", 477, "Retry-After: Sat, 01 Jan 2000 02:00:00 GMT", noReason, "1 unspent MIGRATING, pause MIGRATING", 2 * time.Hour},
		{"477 for a year", 477, "Retry-After: 31536000", noReason, "1 unspent MIGRATING, pause MIGRATING", 24 * time.Hour},
		{"477 for an overflow", 477, "Retry-After: 9223372036854775807", noReason, "1 unspent MIGRATING, pause MIGRATING", 24 * time.Hour},
		{"477 without a word", 477, "", "", "1 unspent MIGRATING, pause MIGRATING", time.Hour},

		{"500", 500, "", noReason, "1 retry SERVER_ERROR, outage", 0},
		{"502", 502, "Content-Type: text/html", html, "1 retry SERVER_ERROR in doubt, outage", 0},
		{"503", 503, "Retry-After: 5", html, "1 retry SERVER_ERROR, outage", 0},
		{"504", 504, "", "", "1 retry SERVER_ERROR in doubt, outage", 0},
		{"520", 520, "", html, "1 retry SERVER_ERROR in doubt, outage", 0},
		{"524", 524, "", html, "1 retry SERVER_ERROR in doubt, outage", 0},
		{"525", 525, "", html, "1 retry SERVER_ERROR, outage", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				answer := canned{status: test.status, body: test.body, header: http.Header{}}
				if name, value, ok := strings.Cut(test.header, ": "); ok {
					answer.header.Set(name, value)
				}
				c := newClient(t, api.Options{HTTP: &http.Client{Transport: answer}}, nil)
				report := c.Upsert(t.Context(), []contact.Contact{{Email: "a@example.org"}})
				check(t, report, test.want)
				o := report.Outcomes[0]
				if code := o.Code; o.Forgiving != (code == contact.CodeUnauthorized || code == contact.CodeForbidden) {
					t.Errorf("%s is forgiving: %v", code, o.Forgiving)
				}
				if report.Pause != nil {
					if probe := test.pause == probed; report.Pause.Probe != probe || !probe && report.Pause.For != test.pause {
						t.Errorf("pause %+v, want %v", report.Pause, test.pause)
					}
				}
			})
		})
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer canned
		want   string
	}{
		{"what HubSpot says", canned{401, nil, `{"message":"The token is\nnot known"}`}, "401 Unauthorized: The token is not known"},
		{"scopes", canned{403, nil, `{"message":"m","errors":[{"message":"One is required.","context":{"requiredGranularScopes":["a.read","a.write"]}}]}`}, "403 Forbidden: One is required. (a.read, a.write)"},
		{"no page of a proxy", canned{503, nil, "<html>secret</html>"}, "503 Service Unavailable"},
		{"own statuses have names", canned{477, nil, ""}, "477 Migration in Progress"},
		{"the reasons rather than the JSON", canned{400, nil, `{"message":"Property values were not valid: [{\"message\":\"x was bad\",\"error\":\"INVALID_DATE\",\"name\":\"d\"}]"}`}, "400 Bad Request: x was bad"},
		{"the key is taken out", canned{401, nil, `{"message":"key ` + testToken + ` expired"}`}, "401 Unauthorized: key REDACTED expired"},
		{"no whole address of a redirect", canned{307, http.Header{"Location": {"https://sso.example.com/in?code=1"}}, ""}, "307 Temporary Redirect to https://sso.example.com (redirects are not followed: check HUBSPOT_API_BASE_URL)"},
		{"control characters", canned{500, nil, `{"message":"a\u0000b\u001b[1m"}`}, "500 Internal Server Error: a\uFFFDb\uFFFD[1m"},
		{"long", canned{500, nil, `{"message":"` + strings.Repeat("ü", 999) + `"}`}, "500 Internal Server Error: " + strings.Repeat("ü", 472) + "…"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, api.Options{HTTP: &http.Client{Transport: test.answer}}, nil)
			if o := c.Upsert(t.Context(), people(1)).Outcomes[0]; o.Message != test.want {
				t.Errorf("got  %q\nwant %q", o.Message, test.want)
			}
		})
	}
}

func TestCorrelationIDIsKept(t *testing.T) {
	t.Parallel()
	for _, answer := range []canned{
		{400, nil, `{"message":"m","correlationId":"c-1"}`},
		{400, http.Header{"X-Hubspot-Correlation-Id": {"c-1"}}, ""},
		{200, http.Header{"X-Hubspot-Correlation-Id": {"c-1"}, "Content-Type": {"text/html"}}, ""},
	} {
		c := newClient(t, api.Options{HTTP: &http.Client{Transport: answer}}, nil)
		if o := c.Upsert(t.Context(), people(1)).Outcomes[0]; o.CorrelationID != "c-1" {
			t.Errorf("%+v: %+v, want correlation id c-1", answer, o)
		}
	}
}
