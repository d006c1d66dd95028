package hubspotsim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// extra are properties of every type.
var extra = []hubspotsim.Property{
	{Name: "amount", Type: "number"},
	{Name: "vip", Type: "bool"},
	{Name: "tier", Type: "enumeration", Options: []string{"gold", "silver"}},
	{Name: "tags", Type: "enumeration", FieldType: "checkbox", Options: []string{"a", "b"}},
	{Name: "day", Type: "date"},
	{Name: "moment", Type: "datetime"},
}

func TestValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ property, value, code string }{
		{"amount", "12.5", ""},
		{"amount", "twelve", "INVALID_INTEGER"},
		{"amount", "-1e3", ""},
		{"amount", "NaN", "INVALID_INTEGER"},
		{"amount", "0x10", "INVALID_INTEGER"},
		{"amount", "1,5", "INVALID_INTEGER"},
		{"vip", "true", ""},
		{"vip", "yes", "INVALID_OPTION"},
		{"tier", "gold", ""},
		{"tier", "Gold", "INVALID_OPTION"},
		{"tags", "a;b", ""},
		{"tags", ";a", ""},
		{"tags", "a;c", "INVALID_OPTION"},
		{"day", "2026-11-23", ""},
		{"day", "1795392000000", ""},
		{"day", "23.11.2026", "INVALID_DATE"},
		{"day", "2026-02-30", "INVALID_DATE"},
		{"moment", "2026-11-23T10:00:00Z", ""},
		{"moment", "now", "INVALID_DATE"},
		{"firstname", strings.Repeat("é", 65_536), ""},
		{"firstname", strings.Repeat("é", 65_537), "VALUE_TOO_LONG"},
		{"firstname", "Robert'); DROP TABLE contacts;-- 🦄 \u202eabc", ""},
		{"createdate", "2026-11-23", "READ_ONLY_VALUE"},
		{"hs_object_id", "1", "READ_ONLY_VALUE"},
		{"nonsense", "1", "PROPERTY_DOESNT_EXIST"},
		{"nonsense", "", "PROPERTY_DOESNT_EXIST"},
		{"email", "broken", "INVALID_EMAIL"},
		{"email", "", "INVALID_EMAIL"},
	}
	for _, test := range tests {
		for _, version := range versions {
			sim := newSim(t, hubspotsim.Options{Properties: extra})
			got := upsert(t, sim, version, row("ada@example.org", map[string]string{test.property: test.value}))
			if test.code == "" {
				if got.status != http.StatusOK {
					t.Errorf("%s: %s=%.40q refused: %.300s", version, test.property, test.value, got.body)
				}
				continue
			}
			if got.status != http.StatusMultiStatus || got.at("errors.0.errors.0.code") != test.code ||
				got.at("errors.0.errors.0.context.propertyName.0") != test.property {
				t.Errorf("%s: %s=%.40q: want %s, got %.300s", version, test.property, test.value, test.code, got.body)
			}
			sim.Put("ada@example.org", nil)
			patched := call(t, sim, http.MethodPatch, objects(version, "ada@example.org?idProperty=email"),
				batchless(test.property, test.value))
			patched.expect(t, http.StatusBadRequest, map[string]any{"errors.0.code": test.code, "category": "VALIDATION_ERROR"})
		}
	}
}

// batchless is the body of a PATCH.
func batchless(name, value string) string {
	whole := batch(input{Properties: map[string]string{name: value}})
	return `{"properties":` + whole[strings.Index(whole, `"properties":`)+len(`"properties":`):len(whole)-2]
}

func TestDatesAreNormalisedOnlySince202609(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		sim := newSim(t, hubspotsim.Options{Properties: extra})
		got := upsert(t, sim, version, row("ada@example.org", map[string]string{"day": "2026-11-23T23:30:00-05:00"}))
		if version != "2026-09" {
			got.expect(t, http.StatusMultiStatus, map[string]any{"errors.0.errors.0.code": "INVALID_DATE"})
			continue
		}
		got.expect(t, http.StatusOK, map[string]any{
			"results.0.warnings.0.context.propertyName": "day", "results.0.properties.day": "2026-11-24",
		})
		if contact, _ := sim.Contact("ada@example.org"); contact.Properties["day"] != "2026-11-24" {
			t.Errorf("stored %v", contact.Properties)
		}
		if sent := sim.Writes()[0].Properties["day"]; sent != "2026-11-23T23:30:00-05:00" {
			t.Errorf("recorded %q instead of what was sent", sent)
		}
	}
}

func TestRequiredPropertiesAreEnforcedOnlySince202609(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		sim := newSim(t, hubspotsim.Options{Properties: []hubspotsim.Property{{Name: "company", Required: true}}})
		steps := []struct {
			properties map[string]string
			refused    bool
		}{
			{nil, true},
			{map[string]string{"company": ""}, true},
			{map[string]string{"company": "Example"}, false},
			{map[string]string{"firstname": "Ada"}, false}, // an update may leave it out
			{map[string]string{"company": ""}, true},       // but not clear it
		}
		for i, step := range steps {
			got := upsert(t, sim, version, row("ada@example.org", step.properties))
			if version == "2026-09" && step.refused {
				got.expect(t, http.StatusMultiStatus, map[string]any{"errors.0.errors.0.code": "MISSING_REQUIRED_PROPERTY"})
			} else if got.status != http.StatusOK {
				t.Errorf("%s, step %d: %s", version, i, got.body)
			}
		}
	}
}

func TestEmailSyntax(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 64)
	for email, good := range map[string]bool{
		"ada@example.org": true, "a.b+c@sub.example.co.uk": true, "o'neil_x-1@example.org": true, long + "@example.org": true,
		"ADA@EXAMPLE.ORG": true, "ada@123.example.org": true,
		"ada": false, "@example.org": false, "ada@": false, "ada@example": false, "ada@@example.org": false,
		"ada lovelace@example.org": false, " ada@example.org": false, "ada@example.org\n": false, "ada@exa mple.org": false,
		".ada@example.org": false, "ada.@example.org": false, "a..b@example.org": false, "ada@-example.org": false,
		"ada@example..org": false, "ada@example.o": false, "ada@example.12": false, "adä@example.org": false,
		"ada@exämple.org": false, "ada@example.org,bob@example.org": false, "ada\x00@example.org": false,
		"x" + long + "@example.org": false, "a@" + strings.Repeat("abcdefgh.", 30) + "org": false, "<ada@example.org>": false,
	} {
		got := upsert(t, newSim(t, hubspotsim.Options{}), "2026-09", row(email, nil))
		if (got.status == http.StatusOK) != good {
			t.Errorf("%q: status %d, good is %v", email, got.status, good)
		}
	}
}
