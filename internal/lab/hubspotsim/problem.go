package hubspotsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// problem is why one row cannot be written.
type problem struct {
	input      *upsertInput // nil: not of a batch
	category   string
	message    string
	details    []errorDetail
	existingID string // of a conflict
}

func conflict(existingID string) *problem {
	return &problem{category: categoryConflict, existingID: existingID}
}

// badValues words refused values as HubSpot does: a JSON text inside the
// message, and the same again in errors[].
func badValues(errors []valueError, portalID int64) *problem {
	type validation struct {
		IsValid   bool   `json:"isValid"`
		Message   string `json:"message"`
		Error     string `json:"error"`
		Name      string `json:"name"`
		Localized string `json:"localizedErrorMessage"`
		PortalID  int64  `json:"portalId"`
	}
	p := &problem{category: categoryValidation}
	var list []validation
	for _, e := range errors {
		list = append(list, validation{false, e.Message, e.Code, e.Property, e.Message, portalID})
		p.details = append(p.details, errorDetail{
			Message: e.Message, Code: e.Code, Context: map[string][]string{"propertyName": {e.Property}},
		})
	}
	p.message = "Property values were not valid: " + string(encode(list))
	return p
}

// status is that of a request refused for this problem alone.
func (p *problem) status() int {
	switch p.category {
	case categoryConflict:
		return http.StatusConflict
	case categoryNotFound:
		return http.StatusNotFound
	default:
		return http.StatusBadRequest
	}
}

// text is the message; that of a conflict names the contact if hint allows.
func (p *problem) text(hint ConflictHint) string {
	if p.existingID == "" {
		return p.message
	}
	if hint == HintBoth || hint == HintMessage {
		return "Contact already exists. Existing ID: " + p.existingID
	}
	return "Contact already exists."
}

func (p *problem) existing(hint ConflictHint) []string {
	if p.existingID == "" || hint == HintMessage || hint == HintNone {
		return nil
	}
	return []string{p.existingID}
}

// refusal is the answer to a request refused for this problem.
func (p *problem) refusal(b Behaviour) reply {
	return refuse(p.status(), p.category, p.text(b.ConflictHint), func(e *apiError) {
		e.Errors = p.details
		if ids := p.existing(b.ConflictHint); ids != nil {
			e.Errors = []errorDetail{{Message: e.Message, Context: map[string][]string{"existingId": ids}}}
		}
		if b.NoErrorDetails {
			e.Errors = nil
		}
	})
}

// refuseWhole decides whether bad rows refuse their whole batch. Without trace
// ids any does; with them a conflict may (Behaviour.ConflictWholeBatch).
func refuseWhole(failed []*row, traced bool, b Behaviour) *reply {
	for _, r := range failed {
		if !traced || b.ConflictWholeBatch && r.problem.category == categoryConflict {
			return new(r.problem.refusal(b))
		}
	}
	return nil
}

// rowErrors words the bad rows of a 207.
func rowErrors(failed []*row, b Behaviour) []itemError {
	var all []itemError
	group := map[string]int{} // index in all of each kind of problem
	for _, r := range failed {
		p := r.problem
		kind := p.kind()
		if i, ok := group[kind]; ok && b.ErrorShape == ErrorGrouped {
			all[i].Context["objectWriteTraceId"] = append(all[i].Context["objectWriteTraceId"], p.input.TraceID)
			continue
		}
		group[kind] = len(all)
		details := slices.Clone(p.details)
		if b.NoErrorDetails {
			details = nil
		}
		all = append(all, newItemError(p.category, p.text(b.ConflictHint), p.context(b), details))
	}
	return all
}

// kind is equal for problems that one error may speak of.
func (p *problem) kind() string {
	kind := []string{p.category, p.existingID}
	for _, d := range p.details {
		kind = append(kind, d.Code, fmt.Sprint(d.Context["propertyName"]))
	}
	return strings.Join(kind, "\x00")
}

// context tells which input the problem is about, in the shape asked for.
func (p *problem) context(b Behaviour) map[string][]string {
	context := map[string][]string{}
	switch b.ErrorShape {
	case ErrorPerRow, ErrorGrouped:
		context["objectWriteTraceId"] = []string{p.input.TraceID}
	case ErrorIDsOnly:
		context["ids"] = []string{p.input.ID}
	case ErrorBare:
	}
	if ids := p.existing(b.ConflictHint); ids != nil {
		context["existingId"] = ids
	}
	return context
}
