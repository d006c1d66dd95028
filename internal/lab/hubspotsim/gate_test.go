package hubspotsim_test

import (
	"net/http"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"none": "", "wrong": "Bearer pat-eu1-wrong", "not bearer": "Basic " + token, "empty": "Bearer ", "prefix": "Bearer " + token + "x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newSim(t, hubspotsim.Options{RatePer10s: 1})
			for _, version := range versions {
				got := call(t, sim, http.MethodPost, objects(version, "batch/upsert"), batch(row("ada@example.org", nil)),
					func(r *http.Request) { r.Header.Set("Authorization", header) })
				got.expect(t, http.StatusUnauthorized, map[string]any{"status": "error", "category": "INVALID_AUTHENTICATION"})
				if got.header.Get("X-HubSpot-RateLimit-Max") != "" {
					t.Error("a 401 speaks of limits")
				}
			}
			if n := len(sim.Contacts()); n != 0 {
				t.Errorf("%d contacts were written after a 401", n)
			}
			for _, r := range sim.Received() {
				if r.Applied || r.Status != http.StatusUnauthorized || len(r.Inputs) != 1 {
					t.Errorf("recorded as %+v", r)
				}
			}
		})
	}
}

func TestTokenCanBeRotated(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	sim.SetToken("pat-eu1-next")
	upsert(t, sim, "v3", row("ada@example.org", nil)).expect(t, http.StatusUnauthorized, nil)
	sim.SetToken(token)
	upsert(t, sim, "v3", row("ada@example.org", nil)).expect(t, http.StatusOK, nil)
	if got := call(t, hubspotsim.New(hubspotsim.Options{}), http.MethodGet, "/account-info/v3/details", ""); got.status != http.StatusUnauthorized {
		t.Errorf("a portal without a token answers %d", got.status)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	const read, write, schema = "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.write"
	property := `{"name":"x","label":"X","type":"string","fieldType":"text","groupName":"scrapersky"}`
	tests := map[string]struct {
		method, path, body string
		scope              string // the one that is enough
	}{
		"upsert":          {http.MethodPost, objects("2026-09", "batch/upsert"), batch(row("ada@example.org", nil)), write},
		"patch":           {http.MethodPatch, objects("2026-09", "ada@example.org?idProperty=email"), `{"properties":{}}`, write},
		"batch read":      {http.MethodPost, objects("2026-09", "batch/read"), `{"inputs":[]}`, read},
		"get":             {http.MethodGet, objects("2026-09", "ada@example.org?idProperty=email"), "", read},
		"properties":      {http.MethodGet, properties("2026-09", ""), "", read},
		"properties read": {http.MethodPost, properties("2026-09", "/batch/read"), `{"inputs":[]}`, "crm.schemas.contacts.read"},
		"create property": {http.MethodPost, properties("2026-09", ""), property, schema},
		"create group":    {http.MethodPost, properties("2026-09", "/groups"), `{"name":"g","label":"G"}`, schema},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			without := newSim(t, hubspotsim.Options{Scopes: []string{"oauth"}})
			without.Put("ada@example.org", nil)
			got := call(t, without, test.method, test.path, test.body)
			got.expect(t, http.StatusForbidden, map[string]any{"category": "MISSING_SCOPES"})
			required, _ := got.at("errors.0.context.requiredGranularScopes").([]any)
			if len(required) == 0 {
				t.Errorf("the scopes are not named: %s", got.body)
			}
			if without.Stats().Writes != 0 {
				t.Error("written without the scope")
			}
			with := newSim(t, hubspotsim.Options{Scopes: []string{test.scope}})
			with.Put("ada@example.org", nil)
			if got := call(t, with, test.method, test.path, test.body); got.status >= 300 {
				t.Errorf("refused with scope %s: %s", test.scope, got.body)
			}
			call(t, without, http.MethodGet, "/account-info/2026-09/details", "").expect(t, http.StatusOK, nil)
		})
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	for given, status := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "application/json;charset=UTF-8": 200,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "application/json; charset=latin1": 415,
	} {
		for _, version := range versions {
			got := call(t, newSim(t, hubspotsim.Options{}), http.MethodPost, objects(version, "batch/upsert"),
				batch(row("ada@example.org", nil)), func(r *http.Request) { r.Header.Set("Content-Type", given) })
			if got.status != status {
				t.Errorf("%s %q: status %d, want %d", version, given, got.status, status)
			}
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	for _, request := range [][2]string{
		{http.MethodGet, "/"},
		{http.MethodPost, "/crm/objects/2026-01/contacts/batch/upsert"},
		{http.MethodPost, "/crm/v2/objects/contacts/batch/upsert"},
		{http.MethodPost, "/crm/v3/objects/0-1/batch/upsert"},
		{http.MethodPost, "/crm/objects/v3/contacts/batch/upsert"},
		{http.MethodPost, "/crm/2026-09/objects/contacts/batch/upsert"},
		{http.MethodPost, "/crm/objects/2026-09/companies/batch/upsert"},
		{http.MethodGet, "/crm/objects/2026-09/contacts/batch/upsert"},
		{http.MethodPut, "/crm/objects/2026-09/contacts/batch/upsert"},
		{http.MethodPost, "/crm/objects/2026-09/contacts/search"},
		{http.MethodPost, "/crm/objects/2026-09/contacts/batch/upsert/"},
		{http.MethodGet, "/crm/objects/2026-09/contacts/"},
		{http.MethodGet, "/account-info/v2/details"},
		{http.MethodGet, "/crm/objects/2026-09/contacts/%zz"},
	} {
		got := call(t, sim, request[0], "/x", "", func(r *http.Request) {
			r.URL.Path, r.URL.RawPath = request[1], request[1]
		})
		got.expect(t, http.StatusNotFound, map[string]any{"status": "error"})
		if got.at("correlationId") == nil || got.header.Get("X-HubSpot-Correlation-Id") != got.at("correlationId") {
			t.Errorf("%v: no correlation id, or two: %s", request, got.body)
		}
	}
}

func TestObjectTypeByNumber(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2026-09", "2026-03"} {
		sim := newSim(t, hubspotsim.Options{})
		call(t, sim, http.MethodPost, "/crm/objects/"+version+"/0-1/batch/upsert", batch(row("ada@example.org", nil))).
			expect(t, http.StatusOK, nil)
		call(t, sim, http.MethodGet, "/crm/properties/"+version+"/0-1/email", "").expect(t, http.StatusOK, nil)
	}
}
