package hubspot

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is sent.

// upsertBody is the body of a batch upsert.
type upsertBody struct {
	Inputs []upsertInput `json:"inputs"`
}

type upsertInput struct {
	ID         string            `json:"id"` // the email
	IDProperty string            `json:"idProperty"`
	TraceID    string            `json:"objectWriteTraceId"` // without it one bad row refuses the batch
	Properties map[string]string `json:"properties"`
}

type patchBody struct {
	Properties map[string]string `json:"properties"`
}

// readBody is the body of a batch read.
type readBody struct {
	IDProperty string    `json:"idProperty"`
	Properties []string  `json:"properties"`
	Inputs     []readKey `json:"inputs"`
}

type readKey struct {
	ID string `json:"id"`
}

// What is answered. Every member may be missing, and of another type than
// HubSpot's descriptions say: a member that cannot be understood reads as if it
// were missing, so that it does not take the rest of the answer with it.

// batchAnswer is the answer to a batch.
type batchAnswer struct {
	Results list[result]  `json:"results"`
	Errors  list[problem] `json:"errors"`
}

// result is one contact.
type result struct {
	ID         text            `json:"id"`
	TraceID    text            `json:"objectWriteTraceId"`
	New        loose[bool]     `json:"new"`
	Properties json.RawMessage `json:"properties"` // see properties
}

// properties is what the answer tells of the contact. It is read when somebody
// asks for it, because hardly anybody does: HubSpot repeats all that was sent.
func (r *result) properties() map[string]text {
	var values loose[map[string]text]
	_ = json.Unmarshal(r.Properties, &values) // without any it is none
	return values.V
}

// maxID bounds what is taken for the id of a contact, in bytes.
const maxID = 64

// id is the contact's id, empty where there is none that could be one.
func (r *result) id() string {
	id := strings.TrimSpace(string(r.ID))
	if len(id) > maxID || !allDigits.MatchString(id) { // a server that echoes texts must not bring them into the row
		return ""
	}
	return id
}

func (r *result) email() string { return fold(string(r.properties()["email"])) }

// secondaryEmails is the property that lists a contact's further addresses.
const secondaryEmails = "hs_additional_emails"

// addresses is every email that leads to the contact, as far as the answer
// tells.
func (r *result) addresses() []string {
	values := r.properties()
	all := []string{fold(string(values["email"]))}
	for address := range strings.SplitSeq(string(values[secondaryEmails]), ";") {
		all = append(all, fold(address))
	}
	return slices.DeleteFunc(all, func(address string) bool { return address == "" })
}

// problem is an error: the body of a refusal, or one of a batch's errors.
type problem struct {
	Message       text         `json:"message"`
	CorrelationID text         `json:"correlationId"`
	Category      text         `json:"category"`
	SubCategory   text         `json:"subCategory"`
	PolicyName    text         `json:"policyName"` // of a 429
	Context       about        `json:"context"`
	Errors        list[detail] `json:"errors"`
}

type detail struct {
	Message     text  `json:"message"`
	Code        text  `json:"code"`
	SubCategory text  `json:"subCategory"`
	Context     about `json:"context"`
}

// about is the context of an error: lists of texts by name.
type about struct{ loose[map[string]texts] }

// first is the list of the first name that there is one of.
func (a about) first(names ...string) []string {
	for _, name := range names {
		if values := a.V[name]; len(values) > 0 {
			return values
		}
	}
	return nil
}

// text is a text, or a number as a text.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	if inner, ok := plain(data); ok {
		*t = text(inner)
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err == nil {
		*t = text(n)
	}
	return nil
}

// plain is what stands between the quotes of a JSON string, where that is the
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
	var many list[text]
	if bytes.HasPrefix(data, []byte("[")) {
		_ = json.Unmarshal(data, &many) // a list never fails
	} else {
		var one text
		_ = json.Unmarshal(data, &one) // nor does a text
		many = list[text]{one}
	}
	for _, s := range many {
		if s != "" {
			*t = append(*t, string(s))
		}
	}
	return nil
}

// loose is a value that reads as zero where it is of another type.
type loose[T any] struct{ V T }

func (l *loose[T]) UnmarshalJSON(data []byte) error {
	var v T
	if err := json.Unmarshal(data, &v); err == nil {
		l.V = v
	}
	return nil
}

// list is a list without the items that are of another type.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(data []byte) error {
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
