package hubspotsim_test

import (
	"net/http"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// required lists the members each schema of HubSpot's OpenAPI files (versions
// 2026-09, 2026-03 and v3, as of November 2026) demands.
var required = map[string][]string{
	"Error":                     {"category", "correlationId", "message"},
	"ErrorDetail":               {"message"},
	"StandardError":             {"category", "context", "errors", "links", "message", "status"},
	"BatchResponse":             {"completedAt", "results", "startedAt", "status"},
	"SimplePublicUpsertObject":  {"archived", "createdAt", "id", "new", "properties", "updatedAt"},
	"SimplePublicObject":        {"archived", "createdAt", "id", "properties", "updatedAt"},
	"PublicObjectWarning":       {"category", "context", "message"},
	"CollectionResponse":        {"results"},
	"Property":                  {"description", "fieldType", "groupName", "label", "name", "options", "type"},
	"Option":                    {"hidden", "label", "value"},
	"PropertyGroup":             {"archived", "label", "name"},
	"ApiUsage":                  {"collectedAt", "currentUsage", "fetchStatus", "name", "usageLimit"},
	"PortalInformationResponse": {"accountType", "additionalCurrencies", "companyCurrency", "dataHostingLocation", "portalId", "timeZone", "uiDomain", "utcOffset", "utcOffsetMilliseconds"},
}

// TestAnswersHaveEveryRequiredMember makes every kind of answer in every
// version and looks at each object in it.
func TestAnswersHaveEveryRequiredMember(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			sim := newSim(t, hubspotsim.Options{Properties: extra})
			conflicting(t, sim)
			rows := []input{
				row("ada@example.org", map[string]string{"day": "1795392000000"}),
				row("bad", nil), row("second@example.org", nil),
			}
			get := func(path string) reply { return call(t, sim, http.MethodGet, path, "") }
			post := func(path, body string) reply { return call(t, sim, http.MethodPost, path, body) }
			account := "/account-info/" + version

			mixed := upsert(t, sim, version, rows...)
			check(t, mixed, "BatchResponse", "")
			check(t, mixed, "SimplePublicUpsertObject", "results.0")
			check(t, mixed, "StandardError", "errors.0")
			check(t, mixed, "ErrorDetail", "errors.0.errors.0")
			check(t, mixed, "StandardError", "errors.1")
			if version == "2026-09" {
				check(t, mixed, "PublicObjectWarning", "results.0.warnings.0")
			}
			check(t, upsert(t, sim, version, rows[:1]...), "BatchResponse", "")
			for _, got := range []reply{
				upsert(t, sim, version, untraced(rows[1])...), upsert(t, sim, version, untraced(rows[2])...),
			} {
				check(t, got, "Error", "")
				check(t, got, "ErrorDetail", "errors.0")
			}
			read := post(objects(version, "batch/read"), `{"idProperty":"email","inputs":[{"id":"ada@example.org"},{"id":"x"}]}`)
			check(t, read, "BatchResponse", "")
			check(t, read, "SimplePublicObject", "results.0")
			check(t, read, "StandardError", "errors.0")
			byEmail := objects(version, "ada@example.org?idProperty=email")
			check(t, get(byEmail), "SimplePublicObject", "")
			check(t, call(t, sim, http.MethodPatch, byEmail, `{"properties":{"phone":"1"}}`), "SimplePublicObject", "")
			check(t, get(objects(version, "404")), "Error", "")
			check(t, get("/nowhere"), "Error", "")

			check(t, get(properties(version, "")), "CollectionResponse", "")
			check(t, get(properties(version, "")), "Property", "results.0")
			tier := get(properties(version, "/tier"))
			check(t, tier, "Property", "")
			check(t, tier, "Option", "options.0")
			check(t, get(properties(version, "/groups")), "PropertyGroup", "results.0")
			check(t, post(properties(version, "/groups"), `{"name":"g","label":"G"}`), "PropertyGroup", "")
			check(t, post(properties(version, "/groups"), `{"name":"g","label":"G"}`), "Error", "")
			some := post(properties(version, "/batch/read"), `{"inputs":[{"name":"email"},{"name":"nonsense"}]}`)
			check(t, some, "BatchResponse", "")
			check(t, some, "Property", "results.0")
			check(t, some, "StandardError", "errors.0")
			check(t, get(account+"/details"), "PortalInformationResponse", "")
			check(t, get(account+"/api-usage/daily/private-apps"), "ApiUsage", "results.0")
		})
	}
}

// TestRefusalsHaveEveryRequiredMember looks at the answers of the gate and at
// those HubSpot gives with a status of its own.
func TestRefusalsHaveEveryRequiredMember(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 415, 423, 429, 477, 500} {
		sim := newSim(t, hubspotsim.Options{})
		sim.Inject(hubspotsim.Fault{Status: status})
		got := ping(t, sim)
		got.expect(t, status, map[string]any{"status": "error"})
		check(t, got, "Error", "")
	}
	noScope := newSim(t, hubspotsim.Options{Scopes: []string{}})
	got := upsert(t, noScope, "2026-09", row("ada@example.org", nil))
	check(t, got, "Error", "")
	check(t, got, "ErrorDetail", "errors.0")
	limited := newSim(t, hubspotsim.Options{RatePer10s: 1, DailyLimit: 2})
	ping(t, limited)
	check(t, ping(t, limited), "Error", "")
	check(t, call(t, limited, http.MethodGet, "/", "", func(r *http.Request) { r.Header.Del("Authorization") }), "Error", "")
}

// check fails the test if the object at path lacks a member its schema demands.
func check(t *testing.T, got reply, schema, path string) {
	t.Helper()
	var object any = got.json
	if path != "" {
		object = got.at(path)
	}
	members, ok := object.(map[string]any)
	if !ok {
		t.Errorf("no %s at %q: %s", schema, path, got.body)
		return
	}
	for _, name := range required[schema] {
		if value, ok := members[name]; !ok || value == nil {
			t.Errorf("%s at %q lacks %q: %s", schema, path, name, got.body)
		}
	}
}
