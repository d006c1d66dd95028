package hubspot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// raw is a transport that returns bytes as they come over the wire: one
// answer to what concerns contacts, another to what concerns the account.
type raw struct{ contacts, account []byte }

func (r raw) RoundTrip(req *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{})
	answer := r.contacts
	if strings.Contains(req.URL.Path, "/account-info/") {
		answer = r.account
	}
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode < 200 || res.StatusCode > 599 {
		return nil, io.ErrUnexpectedEOF // no transport hands out others
	}
	return res, nil
}

// keyHere is replaced by the key in what the fuzzer makes: it would not find
// the key by itself.
const keyHere = "KEY"

// FuzzWholeAnswer feeds foreign bytes, status line and headers included, as the
// answer to everything. Each contact gets one outcome with a code of the closed
// list; none counts as synced that a good answer does not name with an id; no
// wait or pause is longer than a day and no batch costs requests without end;
// and what is reported can be stored, and has no key in it.
func FuzzWholeAnswer(f *testing.F) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	account := []byte(ok + "\r\n" + `{"portalId":4242,"timeZone":"America/New_York","utcOffsetMilliseconds":-14400000}`)
	for _, answer := range []string{
		ok + "X-HubSpot-RateLimit-Max: 100\r\nX-HubSpot-RateLimit-Remaining: 3\r\nX-HubSpot-RateLimit-Interval-Milliseconds: 10000\r\n\r\n" +
			`{"status":"COMPLETE","results":[{"id":"1","properties":{"email":"person000@example.org"},"new":true}]}`,
		"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/json; charset=utf-8\r\n\r\n" +
			`{"results":[{"id":2,"properties":{"email":"person001@example.org"}}],"errors":[{"category":"CONFLICT","message":"Existing ID: 5","context":{"ids":["person000@example.org"]}},{}]}`,
		"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nX-HubSpot-RateLimit-Interval-Milliseconds: 1000\r\n\r\n" + `{"policyName":"TEN_SECONDLY_ROLLING"}`,
		"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999999999999999\r\nX-HubSpot-RateLimit-Daily-Remaining: 0\r\n\r\n" + `{"policyName":"DAILY","message":"KEY"}`,
		"HTTP/1.1 477 \r\nRetry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\n\r\n{}",
		"HTTP/1.1 423 Locked\r\nRetry-After: -1\r\n\r\n{}",
		"HTTP/1.1 401 Unauthorized\r\nX-HubSpot-Correlation-Id: KEY\r\n\r\n" + `{"category":"KEY","message":"the key KEY"}`,
		"HTTP/1.1 409 Conflict\r\n\r\n" + `{"context":{"existingId":["7"]}}`,
		"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://KEY.example.org/KEY\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: text/KEY\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"res",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}",
		"HTTP/1.0 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html>KEY",
		ok + "\r\n" + `{"results":[{"properties":{"email":"person000@example.org"}},{"id":"KEY","properties":{"email":"person001@example.org"}},null]}`,
		"\x16\x03\x01",
	} {
		f.Add([]byte(answer), account)
	}
	f.Add([]byte("HTTP/1.1 429 \r\n\r\n"+`{"policyName":"DAILY"}`), []byte(ok+"\r\n"+`{"portalId":1,"results":[{"resetsAt":"2000-01-01T05:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, contacts, account []byte) {
		transport := raw{bytes.ReplaceAll(contacts, []byte(keyHere), []byte(testToken)), bytes.ReplaceAll(account, []byte(keyHere), []byte(testToken))}
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			c := newClient(t, api.Options{HTTP: &http.Client{Transport: transport}}, func(o *Options) {
				o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			batch := people(3)
			began := time.Now()
			report := c.Upsert(t.Context(), batch)
			if took := time.Since(began); took > 24*time.Hour {
				t.Errorf("a batch took %v", took)
			}
			confirmed := idsIn(transport.contacts)
			checkReport(t, report, len(batch), confirmed)
			told := fmt.Sprintf("%+v %+v %v %s", report, report.Pause, c.Probe(t.Context()), log.String())
			if strings.Contains(told, testToken) {
				t.Errorf("the key is in %s", told)
			}
		})
	})
}

// checkReport checks what holds for every answer. confirmed are the ids that
// the answer names.
func checkReport(t *testing.T, report contact.Report, contacts int, confirmed []string) {
	t.Helper()
	if len(report.Outcomes) != contacts {
		t.Fatalf("%d outcomes for %d contacts", len(report.Outcomes), contacts)
	}
	if report.Requests < 0 || report.Requests > 200 || report.Throttled < 0 {
		t.Errorf("%d requests, %v throttled", report.Requests, report.Throttled)
	}
	if p := report.Pause; p != nil {
		storable(t, p.Reason, maxMessage)
		if p.For < 0 || p.For > longestPause+time.Hour || p.Reason == "" || !slices.Contains(contact.Codes(), p.Code) {
			t.Errorf("pause %+v", p)
		}
	}
	for _, o := range report.Outcomes {
		storable(t, o.Message, maxMessage)
		storable(t, o.RemoteID, maxID)
		storable(t, o.CorrelationID, maxMessage)
		switch o.Verdict {
		case contact.Synced:
			if o.Code != "" || !slices.Contains(confirmed, o.RemoteID) || o.HTTPStatus < 200 || o.HTTPStatus > 299 {
				t.Errorf("synced as %+v, confirmed are %q", o, confirmed)
			}
		case contact.Retry, contact.Reject, contact.Unspent:
			if o.Message == "" || !slices.Contains(contact.Codes(), o.Code) {
				t.Errorf("%+v", o)
			}
		default:
			t.Errorf("verdict %q", o.Verdict)
		}
	}
}

// idsIn is every text and number in the body of an answer that is a success.
func idsIn(answer []byte) (ids []string) {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil || res.StatusCode > 299 {
		return nil
	}
	defer res.Body.Close()
	decoder := json.NewDecoder(res.Body)
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return ids
		}
		switch token := token.(type) {
		case string:
			ids = append(ids, strings.TrimSpace(token))
		case json.Number:
			ids = append(ids, token.String())
		}
	}
}
