package hubspotsim

import (
	"net/http"
	"time"
)

// maxBatch is the largest number of inputs in a batch.
const maxBatch = 100

// batchReply is the answer to a batch: 200, or 207 where it holds errors.
type batchReply struct {
	Status      string      `json:"status"`
	Results     []any       `json:"results"`
	RequestedAt string      `json:"requestedAt,omitempty"`
	StartedAt   string      `json:"startedAt"`
	CompletedAt string      `json:"completedAt"`
	NumErrors   int         `json:"numErrors,omitempty"`
	Errors      []itemError `json:"errors,omitempty"`
}

// itemError is what HubSpot says about one or more inputs of a batch.
type itemError struct {
	Status   string              `json:"status"`
	Category string              `json:"category"`
	Message  string              `json:"message"`
	Context  map[string][]string `json:"context"`
	Errors   []errorDetail       `json:"errors"`
	Links    map[string]string   `json:"links"`
}

func newItemError(category, message string, context map[string][]string, details []errorDetail) itemError {
	if details == nil {
		details = []errorDetail{}
	}
	return itemError{
		Status: "error", Category: category, Message: message,
		Context: context, Errors: details, Links: map[string]string{},
	}
}

// batchAnswer is a batch that was carried out, in part at least. numErrors is
// how many inputs failed: one error may speak of several.
func (s *Sim) batchAnswer(started time.Time, results []any, errors []itemError, numErrors int) reply {
	if results == nil {
		results = []any{}
	}
	r := success(&batchReply{
		Status: "COMPLETE", Results: results,
		RequestedAt: timestamp(started), StartedAt: timestamp(started), CompletedAt: timestamp(s.options.Now()),
		NumErrors: numErrors, Errors: errors,
	})
	if len(errors) > 0 {
		r.status = http.StatusMultiStatus
	}
	return r
}

// object is one contact in an answer.
type object struct {
	ID         string    `json:"id"`
	Properties fields    `json:"properties"`
	CreatedAt  string    `json:"createdAt"`
	UpdatedAt  string    `json:"updatedAt"`
	Archived   bool      `json:"archived"`
	New        *bool     `json:"new,omitempty"` // upsert only
	TraceID    string    `json:"objectWriteTraceId,omitempty"`
	URL        string    `json:"url,omitempty"`
	Warnings   []warning `json:"warnings,omitempty"`
}

// object shows a contact. Properties that were asked for and have no value are
// null. Call it under the lock.
func (s *Sim) object(c *Contact, asked []string) *object {
	return &object{
		ID: c.ID, Properties: s.schema.show(c, asked),
		CreatedAt: timestamp(c.CreatedAt), UpdatedAt: timestamp(c.UpdatedAt), Archived: c.Archived,
		URL: s.recordURL(c.ID),
	}
}

// withoutResults spoils an answer: the last drop results are gone, or the whole
// member if drop is 0.
func withoutResults(value any, drop int) any {
	batch, ok := value.(*batchReply)
	if !ok {
		return struct{}{}
	}
	if drop == 0 {
		return map[string]any{
			"status": batch.Status, "startedAt": batch.StartedAt, "completedAt": batch.CompletedAt,
		}
	}
	cp := *batch
	cp.Results = cp.Results[:max(0, len(cp.Results)-drop)]
	return &cp
}

// withOtherResults spoils an answer: contacts nobody asked for stand in it.
func withOtherResults(value any) any {
	batch, ok := value.(*batchReply)
	if !ok {
		return stranger(0)
	}
	cp := *batch
	cp.Results = make([]any, len(batch.Results))
	for i := range cp.Results {
		cp.Results[i] = stranger(i)
	}
	return &cp
}
