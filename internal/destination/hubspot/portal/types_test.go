package portal

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// Which property serves which kind of column, as the simulator takes the values.
func TestJudgeFurtherColumns(t *testing.T) {
	t.Parallel()
	types := []string{"string", "phone_number", "enumeration", "number", "bool", "date", "datetime"}
	want := map[contact.Kind]string{
		contact.KindText:   "fits fits fits takes takes takes takes",
		contact.KindUUID:   "fits unfit takes unfit unfit unfit unfit",
		contact.KindNumber: "takes unfit takes fits unfit unfit unfit",
		contact.KindBool:   "takes unfit takes unfit fits unfit unfit",
		contact.KindDay:    "takes unfit unfit unfit unfit fits fits",
		contact.KindTime:   "takes unfit unfit unfit unfit unfit fits",
		contact.KindList:   "fits unfit fits unfit unfit unfit unfit",
		"":                 "fits fits fits fits fits fits fits",
	}
	for kind, fits := range want {
		var got []string
		for _, kindOfProperty := range types {
			fit, why := ForColumn("x", kind).Judge(api.Property{Type: kindOfProperty, FieldType: "checkbox"})
			if (fit == Fits) != (why == "") {
				t.Errorf("%s to %s: %s because of %q", kind, kindOfProperty, fit, why)
			}
			got = append(got, string(fit))
		}
		if strings.Join(got, " ") != fits {
			t.Errorf("%s:\n got %s\nwant %s", kind, strings.Join(got, " "), fits)
		}
	}
	text := ForColumn("x", contact.KindText)
	if fit, _ := text.Judge(api.Property{Type: "string", ReadOnly: true}); fit != Unfit {
		t.Errorf("a read-only property %s", fit)
	}
	if fit, _ := text.Judge(api.Property{Type: "string", Unique: true}); fit != Takes {
		t.Errorf("a property with unique values %s", fit)
	}
	list := ForColumn("x", contact.KindList)
	if fit, _ := list.Judge(api.Property{Type: "enumeration", FieldType: "select"}); fit != Takes {
		t.Errorf("a choice of one for a list %s", fit)
	}
}

func TestSameValues(t *testing.T) {
	t.Parallel()
	mapped := map[string]Mapped{
		"n": ForColumn("n", contact.KindNumber), "t": ForColumn("t", contact.KindTime), "s": ForColumn("s", contact.KindText),
		"phone": {Name: "phone", Type: "string"},
	}
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"n", "12.5", "12.50", true},
		{"n", "12.5", "12.51", false},
		{"n", "", "0", false},
		{"t", "2026-03-01T01:30:00Z", "2026-03-01T01:30:00.000Z", true},
		{"t", "2026-03-01T01:30:00Z", "2026-03-01T01:30:00.001Z", false},
		{"s", "12.5", "12.50", false},
		{"phone", "1", "1.0", false},
		{"phone", "1", "1", true},
	}
	for _, test := range tests {
		if got := mapped[test.name].same(test.a, test.b); got != test.same {
			t.Errorf("%s: %q and %q: %t", test.name, test.a, test.b, got)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	text, day := Mapped{Type: "string"}, Mapped{Type: "date"}
	phone := Mapped{Type: "string", Also: []string{"phone_number"}}
	for _, test := range []struct {
		wanted Mapped
		found  api.Property
		want   Fit
	}{
		{text, api.Property{Type: "string"}, Fits},
		{text, api.Property{Type: "string", FieldType: "textarea"}, Fits},
		{text, api.Property{Type: "string", ReadOnly: true}, Unfit},
		{text, api.Property{Type: "string", Unique: true}, Unfit},
		{text, api.Property{Type: "number"}, Unfit},
		{text, api.Property{Type: "enumeration"}, Unfit},
		{text, api.Property{Type: "phone_number"}, Unfit},
		{text, api.Property{}, Unfit},
		{phone, api.Property{Type: "phone_number"}, Fits},
		{day, api.Property{Type: "date"}, Fits},
		{day, api.Property{Type: "string"}, Takes},
		{day, api.Property{Type: "datetime"}, Unfit},
	} {
		if got, why := test.wanted.Judge(test.found); got != test.want || (why == "") != (got == Fits) {
			t.Errorf("%+v for %s: %s, %q, want %s", test.found, test.wanted.Type, got, why, test.want)
		}
	}
}
