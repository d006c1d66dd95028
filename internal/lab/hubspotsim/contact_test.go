package hubspotsim_test

import (
	"net/http"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestGetContact(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		sim := newSim(t, hubspotsim.Options{})
		id := sim.Put("Ada@example.org", map[string]string{"firstname": "Ada", "phone": "1"}).ID
		for _, path := range []string{id, "ADA@example.org?idProperty=email", "ada%40example.org?idProperty=email"} {
			got := call(t, sim, http.MethodGet, objects(version, path), "")
			got.expect(t, http.StatusOK, map[string]any{
				"id": id, "archived": false, "properties.email": "ada@example.org", "properties.firstname": "Ada",
				"properties.hs_object_id": id, "properties.phone": nil,
				"url": "https://app.hubspot.com/contacts/1234567/record/0-1/" + id,
			})
		}
		got := call(t, sim, http.MethodGet, objects(version, id+"?properties=phone,company&properties=nonsense"), "")
		got.expect(t, http.StatusOK, map[string]any{"properties.phone": "1"})
		shown := got.at("properties").(map[string]any)
		if value, asked := shown["company"]; !asked || value != nil {
			t.Errorf("a property asked for that has no value must be null: %s", got.body)
		}
		if _, there := shown["nonsense"]; there {
			t.Errorf("an unknown property is shown: %s", got.body)
		}
		for path, status := range map[string]int{
			"404": http.StatusNotFound, "bob@example.org?idProperty=email": http.StatusNotFound,
			"ada@example.org": http.StatusNotFound, "1?idProperty=phone": http.StatusBadRequest,
		} {
			call(t, sim, http.MethodGet, objects(version, path), "").expect(t, status, map[string]any{"status": "error"})
		}
	}
}

func TestPatchContact(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		sim := newSim(t, hubspotsim.Options{})
		id := sim.Put("ada@example.org", nil).ID
		sim.Put("bob@example.org", nil)
		call(t, sim, http.MethodPatch, objects(version, id), `{"properties":{"phone":"1"}}`).
			expect(t, http.StatusOK, map[string]any{"id": id, "properties.phone": "1"})
		call(t, sim, http.MethodPatch, objects(version, "Ada@example.org?idProperty=email"), `{"properties":{"phone":"2"}}`).
			expect(t, http.StatusOK, map[string]any{"id": id, "properties.phone": "2"})
		for body, status := range map[string]int{
			`{"properties":{"phone":3}}`:    http.StatusBadRequest,
			`{"properties":{"phone":null}}`: http.StatusBadRequest,
			`{}`:                            http.StatusBadRequest,
			`{`:                             http.StatusBadRequest,
			`{"properties":{"email":"BOB@example.org"}}`:  http.StatusConflict,
			`{"properties":{"email":"ada2@example.org"}}`: http.StatusOK,
		} {
			if got := call(t, sim, http.MethodPatch, objects(version, id), body); got.status != status {
				t.Errorf("%s: status %d, want %d: %s", body, got.status, status, got.body)
			}
		}
		call(t, sim, http.MethodPatch, objects(version, "404"), `{"properties":{}}`).expect(t, http.StatusNotFound, nil)
		call(t, sim, http.MethodPatch, objects(version, "1?idProperty=phone"), `{"properties":{}}`).expect(t, http.StatusBadRequest, nil)
		contact, _ := sim.Contact("ada2@example.org")
		if contact.ID != id || contact.Properties["phone"] != "2" {
			t.Errorf("contact is %+v", contact)
		}
		if _, still := sim.Contact("ada@example.org"); still {
			t.Error("the former address still leads to the contact")
		}
		writes := sim.Writes()
		if len(writes) != 3 || writes[1].Email != "ada@example.org" || writes[0].Created {
			t.Errorf("writes: %+v", writes)
		}
		for _, r := range sim.Received()[:2] {
			if len(r.Inputs) != 1 || r.Inputs[0].Properties["phone"] == "" || !r.Applied {
				t.Errorf("recorded as %+v", r)
			}
		}
	}
}

func TestBatchRead(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		sim := newSim(t, hubspotsim.Options{})
		id := sim.Put("ada@example.org", map[string]string{"phone": "1"}).ID
		path := objects(version, "batch/read")
		got := call(t, sim, http.MethodPost, path,
			`{"idProperty":"email","properties":["phone"],"inputs":[{"id":"ADA@example.org"},{"id":"bob@example.org"}]}`)
		got.expect(t, http.StatusMultiStatus, map[string]any{
			"results.0.id": id, "results.0.properties.phone": "1", "results.1": nil, "numErrors": 1.0,
			"errors.0.category": "OBJECT_NOT_FOUND", "errors.0.context.ids.0": "bob@example.org",
		})
		call(t, sim, http.MethodPost, path, `{"properties":[],"propertiesWithHistory":[],"inputs":[{"id":"`+id+`"}]}`).
			expect(t, http.StatusOK, map[string]any{"results.0.id": id, "errors": nil})
		for _, body := range []string{`{"inputs":[{"id":1}]}`, `[]`, `{"idProperty":"phone","inputs":[]}`} {
			call(t, sim, http.MethodPost, path, body).expect(t, http.StatusBadRequest, nil)
		}
		tooMany := make([]input, 101)
		call(t, sim, http.MethodPost, path, batch(tooMany...)).expect(t, http.StatusBadRequest, nil)
	}
}

func TestSecondaryAddresses(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	if err := sim.AddSecondary("ada@example.org", "Ada@example.com"); err != nil {
		t.Fatal(err)
	}
	contact, _ := sim.Contact("ada@example.com")
	upsert(t, sim, "2026-09", row("ada@example.com", map[string]string{"phone": "1"})).expect(t, http.StatusOK,
		map[string]any{"results.0.id": contact.ID, "results.0.new": false, "results.0.properties.email": "ada@example.org"})

	upsert(t, sim, "2026-09", row("ada@example.com", map[string]string{"email": "ada@example.com"})).expect(t, http.StatusOK,
		map[string]any{"results.0.id": contact.ID, "results.0.properties.email": "ada@example.com"})
	promoted, _ := sim.Contact("ada@example.org")
	if promoted.ID != contact.ID || promoted.Email != "ada@example.com" || promoted.Secondary[0] != "ada@example.org" {
		t.Errorf("an address among the properties must be promoted: %+v", promoted)
	}
	sim.Put("bob@example.org", nil)
	if err := sim.AddSecondary("ada@example.com", "bob@example.org"); err == nil {
		t.Error("one address for two contacts")
	}
	if err := sim.Conflict("bob@example.org", "ada@example.com"); err == nil {
		t.Error("one address for two contacts")
	}
	upsert(t, sim, "2026-09", row("new@example.org", map[string]string{"email": "bob@example.org"})).
		expect(t, http.StatusMultiStatus, map[string]any{"errors.0.category": "CONFLICT"})
}

func TestTwoRowsOfABatchMeetInOneContact(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{Behaviour: hubspotsim.Behaviour{ResultOrder: hubspotsim.OrderInput}})
	got := upsert(t, sim, "v3", row("a@example.org", map[string]string{"email": "b@example.org"}), row("b@example.org", nil))
	got.expect(t, http.StatusOK, map[string]any{"results.0.new": true, "results.1.new": false})
	if n := len(sim.Contacts()); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
}

func TestArchivedContacts(t *testing.T) {
	t.Parallel()
	for _, newID := range []bool{false, true} {
		sim := newSim(t, hubspotsim.Options{Behaviour: hubspotsim.Behaviour{ArchivedGetsNewID: newID}})
		old := sim.Put("ada@example.org", nil)
		if !sim.Archive("ADA@example.org") || sim.Archive("bob@example.org") {
			t.Error("Archive reports the wrong contact")
		}
		for _, path := range []string{old.ID, "ada@example.org?idProperty=email"} {
			call(t, sim, http.MethodGet, objects("2026-09", path), "").expect(t, http.StatusNotFound, nil)
			call(t, sim, http.MethodPatch, objects("2026-09", path), `{"properties":{}}`).expect(t, http.StatusNotFound, nil)
		}
		call(t, sim, http.MethodGet, objects("2026-09", old.ID+"?archived=true"), "").
			expect(t, http.StatusOK, map[string]any{"archived": true})
		got := upsert(t, sim, "2026-09", row("ada@example.org", nil))
		got.expect(t, http.StatusOK, map[string]any{"results.0.new": newID, "results.0.archived": false})
		if same := got.at("results.0.id") == old.ID; same == newID {
			t.Errorf("new id wanted: %v, got %v after %v", newID, got.at("results.0.id"), old.ID)
		}
	}
}

func TestDeletedContactsAreGone(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	id := sim.Put("ada@example.org", nil).ID
	if !sim.Delete("ada@example.org") || sim.Delete("ada@example.org") {
		t.Error("Delete reports the wrong contact")
	}
	call(t, sim, http.MethodPatch, objects("2026-09", id), `{"properties":{}}`).expect(t, http.StatusNotFound, nil)
	got := upsert(t, sim, "2026-09", row("ada@example.org", nil))
	got.expect(t, http.StatusOK, map[string]any{"results.0.new": true})
	if got.at("results.0.id") == id {
		t.Error("an id was used again")
	}
}
