package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// What HubSpot returns. Every member may be missing, and of another type than
// HubSpot's descriptions say: a member that cannot be understood reads as if it
// were missing, so that the rest of the answer can be used.

// BatchAnswer is the answer to a batch.
type BatchAnswer struct {
	Results List[Result]  `json:"results"`
	Errors  List[Problem] `json:"errors"`
}

// Result is one contact.
type Result struct {
	ID         Text            `json:"id"`
	TraceID    Text            `json:"objectWriteTraceId"`
	New        Loose[bool]     `json:"new"`
	Properties json.RawMessage `json:"properties"` // see Values
}

// Values returns the properties that the answer has of the contact. They are decoded
// here, because hardly anybody asks for them: HubSpot repeats all that was sent.
func (r *Result) Values() map[string]Text {
	var values Loose[map[string]Text]
	_ = json.Unmarshal(r.Properties, &values) // without any it is none
	return values.V
}

// maxID bounds what counts as the id of a contact, in bytes.
const maxID = 64

// RemoteID returns the contact's id, empty where there is none that could be one.
func (r *Result) RemoteID() string {
	id := strings.TrimSpace(string(r.ID))
	if len(id) > maxID || !allDigits.MatchString(id) { // a server that echoes texts must not bring them into the row
		return ""
	}
	return id
}

// Email returns the primary address, folded.
func (r *Result) Email() string { return fold(string(r.Values()["email"])) }

// secondaryEmails is the property that lists a contact's further addresses.
const secondaryEmails = "hs_additional_emails"

// Addresses returns every email that leads to the contact, as far as the answer
// has them.
func (r *Result) Addresses() []string {
	values := r.Values()
	all := []string{fold(string(values["email"]))}
	for address := range strings.SplitSeq(string(values[secondaryEmails]), ";") {
		all = append(all, fold(address))
	}
	return slices.DeleteFunc(all, func(address string) bool { return address == "" })
}

// Problem is an error: the body of a refusal, or one of a batch's errors.
type Problem struct {
	Message       Text         `json:"message"`
	CorrelationID Text         `json:"correlationId"`
	Category      Text         `json:"category"`
	SubCategory   Text         `json:"subCategory"`
	PolicyName    Text         `json:"policyName"` // of a 429
	Context       about        `json:"context"`
	Errors        List[detail] `json:"errors"`
}

// Traces returns the names of the inputs that the problem is about; empty where
// HubSpot does not name any.
func (p *Problem) Traces() []string {
	return p.Context.first("objectWriteTraceId", "objectWriteTraceIds")
}

// Emails returns the addresses that the problem is about, folded.
func (p *Problem) Emails() []string {
	var emails []string
	for _, email := range p.Context.first("ids", "id", "emails", "email") {
		emails = append(emails, fold(email))
	}
	return emails
}

type detail struct {
	Message     Text  `json:"message"`
	Code        Text  `json:"code"`
	SubCategory Text  `json:"subCategory"`
	Context     about `json:"context"`
}

// about is the context of an error: lists of texts by name.
type about struct{ Loose[map[string]texts] }

// first returns the list of the first name that there is one of.
func (a about) first(names ...string) []string {
	for _, name := range names {
		if values := a.V[name]; len(values) > 0 {
			return values
		}
	}
	return nil
}

// Text is a text, or a number as a text.
type Text string

// UnmarshalJSON implements [json.Unmarshaler]. It never fails.
func (t *Text) UnmarshalJSON(data []byte) error {
	if inner, ok := plain(data); ok {
		*t = Text(inner)
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*t = Text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err == nil {
		*t = Text(n)
	}
	return nil
}

// plain returns what stands between the quotes of a JSON string, where that is the
// text as it is: nearly always, and then there is nothing to decode.
func plain(data []byte) (inner []byte, ok bool) {
	if len(data) < 2 || data[0] != '"' || bytes.IndexByte(data, '\\') >= 0 || !utf8.Valid(data) {
		return nil, false
	}
	return data[1 : len(data)-1], true
}

// texts is a list of texts; a single one is a list of one.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var many List[Text]
	if bytes.HasPrefix(data, []byte("[")) {
		_ = json.Unmarshal(data, &many) // a list never fails
	} else {
		var one Text
		_ = json.Unmarshal(data, &one) // nor does a text
		many = List[Text]{one}
	}
	for _, s := range many {
		if s != "" {
			*t = append(*t, string(s))
		}
	}
	return nil
}

// Loose is a value that reads as zero where it is of another type.
type Loose[T any] struct{ V T }

// UnmarshalJSON implements [json.Unmarshaler]. It never fails.
func (l *Loose[T]) UnmarshalJSON(data []byte) error {
	var v T
	if err := json.Unmarshal(data, &v); err == nil {
		l.V = v
	}
	return nil
}

// List is a list without the items that are of another type.
type List[T any] []T

// UnmarshalJSON implements [json.Unmarshaler]. It never fails.
func (l *List[T]) UnmarshalJSON(data []byte) error {
	var all []T
	if err := json.Unmarshal(data, &all); err == nil { // no item is of another type
		*l = append(*l, all...)
		return nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return nil //nolint:nilerr // what is no list reads as an empty one
	}
	for _, item := range items {
		var v T
		if err := json.Unmarshal(item, &v); err == nil {
			*l = append(*l, v)
		}
	}
	return nil
}

// fold is how emails are compared.
func fold(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
