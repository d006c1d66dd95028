package hubspotsim

import (
	"fmt"
	"slices"
)

// Behaviour holds the switches for what is not known about HubSpot. Its zero
// value is described in the package comment.
type Behaviour struct {
	// NoTraceEcho leaves objectWriteTraceId out of results.
	NoTraceEcho bool `json:"no_trace_echo"`
	// ErrorShape says how the bad rows of a 207 are addressed.
	ErrorShape ErrorShape `json:"error_shape"`
	// NoErrorDetails leaves errors[] out of error bodies: the code of a bad value
	// is then found in the message alone.
	NoErrorDetails bool `json:"no_error_details"`
	// ConflictWholeBatch answers 409 for an entire batch that holds one
	// conflicting row, and writes nothing of it.
	ConflictWholeBatch bool `json:"conflict_whole_batch"`
	// ConflictHint says where a conflict names the existing contact.
	ConflictHint ConflictHint `json:"conflict_hint"`
	// ArchivedGetsNewID makes a new contact of an upsert by the email of an
	// archived one, which otherwise is restored.
	ArchivedGetsNewID bool `json:"archived_gets_new_id"`
	// RefusedCounts makes requests refused with 429 count against the limits.
	RefusedCounts bool `json:"refused_counts"`
	// ResultOrder is the order of results[].
	ResultOrder ResultOrder `json:"result_order"`
}

// ErrorShape is how the errors of a 207 tell which inputs they are about.
type ErrorShape string

// The shapes integrators have seen.
const (
	ErrorPerRow  ErrorShape = ""        // an error for each row, with its trace id
	ErrorGrouped ErrorShape = "grouped" // an error for each kind, with several trace ids
	ErrorIDsOnly ErrorShape = "ids"     // an error for each row, with context.ids alone
	ErrorBare    ErrorShape = "bare"    // an error for each row that names no row
)

// ConflictHint is where a CONFLICT names the contact that exists.
type ConflictHint string

// The places a client has to look at.
const (
	HintBoth    ConflictHint = ""
	HintContext ConflictHint = "context" // context.existingId
	HintMessage ConflictHint = "message" // "Existing ID: 123"
	HintNone    ConflictHint = "none"
)

// ResultOrder is the order of results[], which HubSpot does not promise.
type ResultOrder string

// The orders on offer; a client must not care.
const (
	OrderShuffled ResultOrder = ""
	OrderInput    ResultOrder = "input"
	OrderReversed ResultOrder = "reversed"
)

// validate says which switch has a position that does not exist.
func (b Behaviour) validate() error {
	if !slices.Contains([]ErrorShape{ErrorPerRow, ErrorGrouped, ErrorIDsOnly, ErrorBare}, b.ErrorShape) {
		return fmt.Errorf("unknown error_shape %q", b.ErrorShape)
	}
	if !slices.Contains([]ConflictHint{HintBoth, HintContext, HintMessage, HintNone}, b.ConflictHint) {
		return fmt.Errorf("unknown conflict_hint %q", b.ConflictHint)
	}
	if !slices.Contains([]ResultOrder{OrderShuffled, OrderInput, OrderReversed}, b.ResultOrder) {
		return fmt.Errorf("unknown result_order %q", b.ResultOrder)
	}
	return nil
}
