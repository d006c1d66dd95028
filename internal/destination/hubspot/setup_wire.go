package hubspot

import "net/url"

// propertyBody is the body that creates a property.
type propertyBody struct {
	Name      string `json:"name"`
	Label     string `json:"label"`
	Type      string `json:"type"`
	FieldType string `json:"fieldType"`
	Group     string `json:"groupName"`
}

// groupBody is the body that creates a group of properties.
type groupBody struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// ignored is an answer of which nothing is wanted but that it is a good one.
type ignored struct{}

// UnmarshalJSON implements [json.Unmarshaler].
func (*ignored) UnmarshalJSON([]byte) error { return nil }

// group is the address of a group of properties of contacts; without a name it
// is where groups are created.
func (u urls) group(name string) string {
	if name == "" {
		return u.crm("properties", "/groups")
	}
	return u.crm("properties", "/groups/"+url.PathEscape(name))
}
