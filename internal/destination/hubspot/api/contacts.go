package api

import (
	"net/http"
	"net/url"
)

// Input is one contact of a batch upsert.
type Input struct {
	ID         string            `json:"id"` // the email
	IDProperty string            `json:"idProperty"`
	TraceID    string            `json:"objectWriteTraceId"` // without it one bad row refuses the batch
	Properties map[string]string `json:"properties"`
}

type upsertBody struct {
	Inputs []Input `json:"inputs"`
}

type patchBody struct {
	Properties map[string]string `json:"properties"`
}

type readBody struct {
	IDProperty string    `json:"idProperty"`
	Properties []string  `json:"properties"`
	Inputs     []readKey `json:"inputs"`
}

type readKey struct {
	ID string `json:"id"`
}

// ByEmail is the property that contacts are found by.
const ByEmail = "email"

// UpsertRequest creates or updates contacts. Its answer is a BatchAnswer.
func (c *Client) UpsertRequest(inputs []Input) Request {
	return Request{method: http.MethodPost, url: c.urls.contacts("/batch/upsert"), body: upsertBody{inputs}}
}

// ReadRequest asks for the contacts that some addresses lead to, secondary ones included:
// the addresses of each, and the properties named. Its answer is a BatchAnswer.
func (c *Client) ReadRequest(emails []string, properties ...string) Request {
	body := readBody{IDProperty: ByEmail, Properties: append([]string{ByEmail, secondaryEmails}, properties...), Inputs: make([]readKey, 0, len(emails))}
	for _, email := range emails {
		body.Inputs = append(body.Inputs, readKey{email})
	}
	return Request{method: http.MethodPost, url: c.urls.contacts("/batch/read"), body: body}
}

// UpdateRequest changes a contact by its id. Its answer is a Result.
func (c *Client) UpdateRequest(id string, properties map[string]string) Request {
	return Request{method: http.MethodPatch, url: c.urls.contacts("/" + url.PathEscape(id)), body: patchBody{properties}}
}
