package api

import (
	"context"
	"net/http"
	"net/url"
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
// has none of that name, or has archived it.
func (c *Client) Property(ctx context.Context, name string) (_ Property, found bool, _ *Error) {
	var answer struct {
		Name         Text        `json:"name"`
		Type         Text        `json:"type"`
		FieldType    Text        `json:"fieldType"`
		Group        Text        `json:"groupName"`
		Unique       Loose[bool] `json:"hasUniqueValue"`
		Archived     Loose[bool] `json:"archived"`
		Modification Loose[struct {
			ReadOnly bool `json:"readOnlyValue"`
		}] `json:"modificationMetadata"`
	}
	e := c.Call(ctx, new(Usage), Request{method: http.MethodGet, url: c.urls.property(name)}, &answer)
	switch {
	case e != nil && e.Status == http.StatusNotFound:
		return Property{}, false, nil
	case e != nil:
		return Property{}, false, e
	case string(answer.Name) != name:
		return Property{}, false, c.sanitize(unusable(http.StatusOK, "response is not about property %s", name))
	case answer.Archived.V:
		return Property{}, false, nil
	}
	return Property{
		Name: name, Type: Clip(string(answer.Type)), FieldType: Clip(string(answer.FieldType)), Group: Clip(string(answer.Group)),
		ReadOnly: answer.Modification.V.ReadOnly, Unique: answer.Unique.V,
	}, true, nil
}

// NewProperty is a property to create.
type NewProperty struct {
	Name      string `json:"name"`
	Label     string `json:"label"`
	Type      string `json:"type"`
	FieldType string `json:"fieldType"`
	Group     string `json:"groupName"`
}

// CreatePropertyRequest creates a property of contacts.
func (c *Client) CreatePropertyRequest(p NewProperty) Request {
	return Request{method: http.MethodPost, url: c.urls.properties(""), body: p}
}

// GroupRequest asks for a group of properties.
func (c *Client) GroupRequest(name string) Request {
	return Request{method: http.MethodGet, url: c.urls.properties("/groups/" + url.PathEscape(name))}
}

// CreateGroupRequest creates a group of properties.
func (c *Client) CreateGroupRequest(name, label string) Request {
	return Request{method: http.MethodPost, url: c.urls.properties("/groups"), body: struct {
		Name  string `json:"name"`
		Label string `json:"label"`
	}{name, label}}
}

// Do sends a request of which nothing is wanted but that it succeeds.
func (c *Client) Do(ctx context.Context, r Request) *Error {
	return c.Call(ctx, new(Usage), r, new(ignored))
}

// ignored is an answer that may be any JSON.
type ignored struct{}

// UnmarshalJSON implements [json.Unmarshaler].
func (*ignored) UnmarshalJSON([]byte) error { return nil }
