package hubspotsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// field is a property of a contact in an answer.
type field struct {
	name, value string
	null        bool // it was asked for and has no value
}

// fields is written as a JSON object, in the order of the names. It is built
// and encoded by hand because answers to full batches would otherwise spend
// most of their time on maps.
type fields []field

// MarshalJSON implements json.Marshaler.
func (fs fields) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 64*len(fs))
	out = append(out, '{')
	for i, f := range fs {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, f.name), ':')
		if f.null {
			out = append(out, "null"...)
		} else {
			out = appendText(out, f.value)
		}
	}
	return append(out, '}'), nil
}

// appendText appends a JSON string.
func appendText(out []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(text)
			if err != nil {
				panic(fmt.Sprintf("hubspotsim: encode a text: %v", err)) // every string can be
			}
			return append(out, quoted...)
		}
	}
	out = append(out, '"')
	out = append(out, text...)
	return append(out, '"')
}

// defaultFields are the properties HubSpot adds to those asked for.
var defaultFields = []string{"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}

// show picks the properties asked for and the default ones. HubSpot passes over
// names it does not know when reading.
func (s *schema) show(c *Contact, asked []string) fields {
	names := make([]string, 0, len(asked)+len(defaultFields))
	names = append(append(names, asked...), defaultFields...)
	slices.Sort(names)
	names = slices.Compact(names)
	shown := make(fields, 0, len(names))
	for _, name := range names {
		if _, exists := s.properties[name]; exists {
			value, ok := c.value(name)
			shown = append(shown, field{name, value, !ok})
		}
	}
	return shown
}

// timestamp is a time as HubSpot writes it: UTC, to the millisecond.
func timestamp(t time.Time) string {
	t = t.UTC()
	out := make([]byte, 0, len("2006-01-02T15:04:05.000Z"))
	out = t.AppendFormat(out, "2006-01-02T15:04:05")
	ms := t.Nanosecond() / int(time.Millisecond)
	return string(append(out, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z'))
}
