package hubspotsim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestPropertiesAndGroups(t *testing.T) {
	t.Parallel()
	const (
		group    = `{"name":"scrapersky","label":"ScraperSky"}`
		property = `{"name":"scrapersky_sync_date","label":"Sync date","type":"date","fieldType":"date","groupName":"scrapersky"}`
	)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			sim := newSim(t, hubspotsim.Options{Bare: true})
			post := func(path, body string) reply { return call(t, sim, http.MethodPost, properties(version, path), body) }
			get := func(path string) reply { return call(t, sim, http.MethodGet, properties(version, path), "") }

			get("/scrapersky_sync_date").expect(t, http.StatusNotFound, map[string]any{"status": "error"})
			get("/groups/scrapersky").expect(t, http.StatusNotFound, nil)
			upsert(t, sim, version, row("ada@example.org", map[string]string{"scrapersky_sync_date": "2026-11-23"})).
				expect(t, http.StatusMultiStatus, map[string]any{"errors.0.errors.0.code": "PROPERTY_DOESNT_EXIST"})
			post("", property).expect(t, http.StatusBadRequest, nil) // its group is missing
			post("/groups", group).expect(t, http.StatusCreated, map[string]any{"name": "scrapersky", "archived": false})
			post("/groups", group).expect(t, http.StatusConflict, map[string]any{"category": "OBJECT_ALREADY_EXISTS"})
			post("", property).expect(t, http.StatusCreated, map[string]any{"type": "date", "hubspotDefined": false})
			post("", property).expect(t, http.StatusConflict, map[string]any{"category": "OBJECT_ALREADY_EXISTS"})
			get("/scrapersky_sync_date").expect(t, http.StatusOK, map[string]any{"groupName": "scrapersky", "type": "date"})
			get("/groups/scrapersky").expect(t, http.StatusOK, map[string]any{"label": "ScraperSky"})
			get("/groups").expect(t, http.StatusOK, map[string]any{"results.1.name": "scrapersky"})
			upsert(t, sim, version, row("ada@example.org", map[string]string{"scrapersky_sync_date": "2026-11-23"})).
				expect(t, http.StatusOK, nil)

			post("/batch/read", `{"archived":false,"inputs":[{"name":"email"},{"name":"nonsense"}]}`).
				expect(t, http.StatusMultiStatus, map[string]any{"results.0.name": "email", "errors.0.category": "OBJECT_NOT_FOUND"})
			post("/batch/read", `{"archived":false,"inputs":[{"name":"email"}]}`).expect(t, http.StatusOK, nil)

			sim.RemoveProperty("scrapersky_sync_date")
			upsert(t, sim, version, row("ada@example.org", map[string]string{"scrapersky_sync_date": ""})).
				expect(t, http.StatusMultiStatus, map[string]any{"errors.0.errors.0.code": "PROPERTY_DOESNT_EXIST"})
			sim.AddProperty(hubspotsim.Property{Name: "scrapersky_sync_date", Type: "number"})
			get("/scrapersky_sync_date").expect(t, http.StatusOK, map[string]any{"type": "number"})
		})
	}
}

func TestPropertyMustBeComplete(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	for body, what := range map[string]string{
		`{"label":"X","type":"string","fieldType":"text","groupName":"scrapersky"}`:           "name",
		`{"name":"x","type":"string","fieldType":"text","groupName":"scrapersky"}`:            "label",
		`{"name":"x","label":"X","fieldType":"text","groupName":"scrapersky"}`:                "type",
		`{"name":"x","label":"X","type":"string","groupName":"scrapersky"}`:                   "fieldType",
		`{"name":"x","label":"X","type":"string","fieldType":"text"}`:                         "groupName",
		`{"name":"x","label":"X","type":"text","fieldType":"text","groupName":"scrapersky"}`:  "not a type",
		`{"name":"x","label":"X","type":"string","fieldType":"text","groupName":"elsewhere"}`: "elsewhere",
		`{"name":1}`: "JSON",
		`{`:          "JSON",
	} {
		got := call(t, sim, http.MethodPost, properties("2026-09", ""), body)
		got.expect(t, http.StatusBadRequest, map[string]any{"category": "VALIDATION_ERROR"})
		if message, _ := got.at("message").(string); !strings.Contains(message, what) {
			t.Errorf("%s: message %q", body, message)
		}
	}
	for _, body := range []string{`{"name":"g"}`, `{"label":"G"}`, `"g"`} {
		call(t, sim, http.MethodPost, properties("2026-09", "/groups"), body).expect(t, http.StatusBadRequest, nil)
	}
	enumeration := `{"name":"size","label":"Size","type":"enumeration","fieldType":"select","groupName":"scrapersky",` +
		`"options":[{"label":"S","value":"s","hidden":false,"displayOrder":1}]}`
	call(t, sim, http.MethodPost, properties("2026-09", ""), enumeration).
		expect(t, http.StatusCreated, map[string]any{"options.0.value": "s"})
	upsert(t, sim, "2026-09", row("ada@example.org", map[string]string{"size": "s"})).expect(t, http.StatusOK, nil)
}

func TestDefaultPortalHasContactsyncsProperties(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	upsert(t, sim, "2026-09", row("ada@example.org", map[string]string{
		"firstname": "Ada", "lastname": "Example", "phone": "+1 555 0100", "scrapersky_sync_date": "2026-11-23",
		"scrapersky_domain_id": "6a1f", "scrapersky_page_id": "77b2",
	})).expect(t, http.StatusOK, nil)
}
