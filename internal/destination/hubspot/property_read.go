package hubspot

import (
	"context"
	"net/http"
)

// Property is a property of contacts as the account has it.
type Property struct {
	Name      string
	Type      string // HubSpot's: string, date, number, ...
	FieldType string // how people see it: text, date, select, ...
	Group     string
	ReadOnly  bool // HubSpot computes its value
	Unique    bool // no two contacts may have the same value
}

// Property asks for a property of contacts. It is not found where the account
// has none of that name, or has archived it. The error is an *APIError.
func (c *Client) Property(ctx context.Context, name string) (p Property, found bool, err error) {
	p, found, e := c.fetchProperty(ctx, name)
	if e != nil {
		return Property{}, false, e
	}
	return p, found, nil
}

func (c *Client) fetchProperty(ctx context.Context, name string) (Property, bool, *APIError) {
	var answer struct {
		Name         text        `json:"name"`
		Type         text        `json:"type"`
		FieldType    text        `json:"fieldType"`
		Group        text        `json:"groupName"`
		Unique       loose[bool] `json:"hasUniqueValue"`
		Archived     loose[bool] `json:"archived"`
		Modification loose[struct {
			ReadOnly bool `json:"readOnlyValue"`
		}] `json:"modificationMetadata"`
	}
	e := c.ask(ctx, request{method: http.MethodGet, url: c.urls.property(name)}, &answer)
	switch {
	case e != nil && e.Status == http.StatusNotFound:
		return Property{}, false, nil
	case e != nil:
		return Property{}, false, e
	case string(answer.Name) != name:
		return Property{}, false, c.present(unusable(http.StatusOK, "the answer is not about property %s", name))
	case answer.Archived.V:
		return Property{}, false, nil
	}
	return Property{
		Name: name, Type: clip(string(answer.Type)), FieldType: clip(string(answer.FieldType)), Group: clip(string(answer.Group)),
		ReadOnly: answer.Modification.V.ReadOnly, Unique: answer.Unique.V,
	}, true, nil
}

// ask sends a request that is not part of a batch, and waits as patiently as a
// batch does while HubSpot is busy.
func (c *Client) ask(ctx context.Context, call request, answer any) *APIError {
	s := &sending{client: c}
	return s.patiently(ctx, func() *APIError { return c.do(ctx, &s.tally, call, answer) })
}
