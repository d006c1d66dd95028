package hubspot

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"
)

const (
	// maxWaits is how often one request is sent again after HubSpot asked to
	// wait, before the account is paused instead.
	maxWaits = 5
	// lockedWait is how long HubSpot's locks last.
	lockedWait = 2 * time.Second
)

// send sends the contacts of one request and settles them. If HubSpot refuses
// the request for what may be some of its rows, it is halved until they are
// alone: at most 2n-1 requests for n rows.
func (s *sending) send(ctx context.Context, items []*item) {
	if e := s.stopReason(ctx); e != nil {
		s.leave(e, items)
		return
	}
	var answer tracedAnswer
	e := s.patiently(ctx, func() *APIError { return s.post(ctx, items, &answer) })
	switch {
	case e == nil:
		s.succeed()
		s.settle(ctx, items, &answer)
	case mayBeSome(e) && len(items) > 1:
		s.succeed()
		s.halve(ctx, items)
	case e.kind == kindConflict:
		s.succeed()
		s.mend(ctx, items[0], e)
	case e.kind == kindRow:
		s.succeed()
		s.outcomes[items[0].row] = e.outcome()
	case e.kind == kindAccount && e.Status == 0: // it was not even sent
		s.fail(ctx, e)
		s.leave(e, items)
	default:
		s.fail(ctx, e)
		for _, it := range items {
			s.outcomes[it.row] = e.outcome()
		}
	}
}

func (s *sending) halve(ctx context.Context, items []*item) {
	half := len(items) / 2
	s.send(ctx, items[:half])
	s.send(ctx, items[half:])
}

// tracedAnswer is an answer with the names that the inputs had in the request.
type tracedAnswer struct {
	batchAnswer
	traces map[string]*item
}

// post sends one request. Each time the inputs get new trace ids.
func (s *sending) post(ctx context.Context, items []*item, answer *tracedAnswer) *APIError {
	body := upsertBody{Inputs: make([]upsertInput, len(items))}
	*answer = tracedAnswer{traces: make(map[string]*item, len(items))}
	for i, it := range items {
		trace := rand.Text()
		answer.traces[trace] = it
		body.Inputs[i] = upsertInput{ID: it.key, IDProperty: "email", TraceID: trace, Properties: it.properties}
	}
	call := request{http.MethodPost, s.client.urls.contacts("/batch/upsert"), body}
	return s.client.do(ctx, &s.tally, call, &answer.batchAnswer)
}

// patiently repeats a request for as long as HubSpot answers that it is busy,
// but not too often and not for a long wait. After a 429 the gate holds this and
// every other request; after a 423 only this one waits.
func (s *sending) patiently(ctx context.Context, do func() *APIError) *APIError {
	for waits := 1; ; waits++ {
		e := do()
		if e == nil || e.kind != kindBusy || waits > maxWaits || e.wait > longestWait {
			return e
		}
		if e.Status != http.StatusLocked {
			continue
		}
		wait := max(e.wait, time.Duration(waits)*lockedWait)
		s.client.log.InfoContext(ctx, "HubSpot is locked for a moment", "wait", wait, "correlation_id", e.CorrelationID)
		s.throttled.Add(int64(wait))
		if sleep(ctx, wait) != nil {
			return stopped(ctx, false)
		}
	}
}
