package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

const (
	// maxBody bounds what is read of an answer, in bytes.
	maxBody = 64 << 10
	// maxWaits is how often a request is sent again after the receiver asked to wait,
	// and longestWait for how long at a time, before everything pauses instead.
	maxWaits    = 3
	longestWait = 10 * time.Second
	// maxID bounds the id that an answer gives, in characters.
	maxID = 200
)

// usage counts what one batch costs.
type usage struct{ requests, throttled atomic.Int64 }

// deliver posts a contact until it is answered. It sends it again in one case, in which
// the receiver has done nothing with it: it asked to wait. It returns the id that the
// answer gives, if any.
func (c *Client) deliver(ctx context.Context, cost *usage, of contact.Contact) (remoteID string, f *failure) {
	for waits := 1; ; waits++ {
		remoteID, f = c.post(ctx, cost, of)
		if f == nil || f.kind != kindBusy || f.wait > longestWait {
			return remoteID, f
		}
		if waits > maxWaits {
			return "", f
		}
		wait := max(f.wait, time.Second<<(waits-1))
		c.log.WarnContext(ctx, "the webhook asks to wait", "status", f.status, "wait", wait)
		c.gate.hold(wait)
	}
}

// post sends a request once and judges what comes back.
func (c *Client) post(ctx context.Context, cost *usage, of contact.Contact) (remoteID string, f *failure) {
	came := time.Now()
	err := c.gate.enter(ctx)
	cost.throttled.Add(int64(time.Since(came)))
	if err != nil {
		return "", stopped(false)
	}
	defer c.gate.leave()
	cost.requests.Add(1)
	began, id := time.Now(), messageID(of)
	defer func() {
		attrs := []any{"id", id, "took_ms", time.Since(began).Milliseconds()}
		if f != nil {
			f.id, f.message = id, clip(c.hide(f.message), maxMessage)
			attrs = append(attrs, "code", f.code, "status", f.status)
		}
		c.log.DebugContext(ctx, "webhook request", attrs...)
	}()
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var left outgoing.Leaving
	req, err := c.request(httptrace.WithClientTrace(limited, left.Trace()), id, of)
	if err != nil {
		return "", &failure{kind: kindRow, code: contact.CodeOther, message: "the request cannot be made"}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return "", c.noAnswer(ctx, limited, err, left.MayHave())
	}
	defer func() { _ = res.Body.Close() }() // all that was wanted of it has been read
	// What cannot be read of an answer changes nothing: the status has said all.
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return "", c.refused(res, body)
	}
	return workflowID(body), nil
}

func (c *Client) request(ctx context.Context, id string, of contact.Contact) (*http.Request, error) {
	at := c.now()
	body, err := c.body(of, at)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "contactsync")
	c.secret.sign(req.Header, id, at, body)
	return req, nil
}

// workflowID returns the id that an answer gives, empty where it gives none. n8n
// answers with an object or with a list of them.
func workflowID(body []byte) string {
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		var list []map[string]any
		if json.Unmarshal(body, &list) != nil || len(list) == 0 {
			return ""
		}
		object = list[0]
	}
	for _, name := range []string{"n8n_workflow_id", "workflow_id", "workflowId"} {
		var id string
		switch v := object[name].(type) {
		case string:
			id = strings.TrimSpace(v)
		case float64: // a number of 2^53 or more would not be the one that was sent
			if v == float64(int64(v)) && v >= 0 && v < 1<<53 {
				id = strconv.FormatInt(int64(v), 10)
			}
		}
		if id != "" && len(id) <= maxID && !strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return id
		}
	}
	return ""
}
