package hubspot

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// FuzzDecodeAnswer feeds foreign bytes as the answer to everything: each contact
// still gets one outcome that can be stored, and none counts as synced that the
// answer does not name with an id.
func FuzzDecodeAnswer(f *testing.F) {
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, `{"status":"COMPLETE","results":[{"id":"1","properties":{"email":"person000@example.org"},"new":true}]}`},
		{200, `{"results":[{"id":1e3,"properties":{"email":"PERSON001@example.org "}}]}`},
		{207, `{"results":[],"errors":[{"category":"VALIDATION_ERROR","message":"m","context":{"ids":["person002@example.org"]}}]}`},
		{207, `{"errors":[{"category":"CONFLICT","message":"Existing ID: 5","context":{"ids":["person000@example.org"]}},{}]}`},
		{207, `{"errors":[{},{},{"errors":[{"code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":"scrapersky_page_id"}}]}]}`},
		{400, `{"message":"Property values were not valid: [{\"error\":\"INVALID_EMAIL\",\"name\":\"email\",\"message\":\"no\"}]"}`},
		{401, `{"category":"INVALID_AUTHENTICATION"}`},
		{409, `{"context":{"existingId":["7"]}}`},
		{413, ``},
		{423, `{}`},
		{429, `{"policyName":"DAILY"}`},
		{477, `null`},
		{503, `<html>`},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return // no transport hands out others
		}
		synctest.Test(t, func(t *testing.T) {
			batch := people(3)
			c := newClient(t, api.Options{HTTP: &http.Client{Transport: canned{status: status, body: string(body)}}}, nil)
			report := c.Upsert(t.Context(), batch)
			if len(report.Outcomes) != len(batch) {
				t.Fatalf("%d outcomes for %d contacts", len(report.Outcomes), len(batch))
			}
			if report.Pause != nil {
				storable(t, report.Pause.Reason, maxMessage)
			}
			for _, o := range report.Outcomes {
				storable(t, o.Message, maxMessage)
				storable(t, o.RemoteID, maxID)
				storable(t, o.CorrelationID, maxMessage)
				switch {
				case o.Verdict == contact.Synced && (o.RemoteID == "" || o.Code != ""):
					t.Errorf("synced as %+v", o)
				case o.Verdict == contact.Synced && status >= 300:
					t.Errorf("synced by a %d", status)
				case o.Verdict != contact.Synced && (o.Message == "" || !slices.Contains(contact.Codes(), o.Code)):
					t.Errorf("%+v", o)
				}
			}
		})
	})
}

// storable is what Postgres takes and a person can read.
func storable(t *testing.T, s string, most int) {
	t.Helper()
	if !utf8.ValidString(s) || slices.Contains([]byte(s), 0) || utf8.RuneCountInString(s) > most {
		t.Errorf("%q cannot be stored", s)
	}
}
