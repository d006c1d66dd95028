package hubspotsim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestUpsertCreatesThenUpdates(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			sim := newSim(t, hubspotsim.Options{})
			first := upsert(t, sim, version, row("Ada@Example.org", map[string]string{"firstname": "Ada", "phone": "1"}))
			first.expect(t, http.StatusOK, map[string]any{"status": "COMPLETE", "results.0.new": true})
			created := only(t, first.results(t))
			if created["objectWriteTraceId"] != "t-Ada@Example.org" {
				t.Errorf("trace id not echoed: %v", created)
			}
			if got := first.at("results.0.properties.email"); got != "ada@example.org" {
				t.Errorf("email is %v, want it lower-cased", got)
			}
			second := upsert(t, sim, version, row("ADA@example.org", map[string]string{"lastname": "Example", "phone": ""}))
			second.expect(t, http.StatusOK, map[string]any{"results.0.new": false, "results.0.id": created["id"]})
			contact, _ := sim.Contact("ada@EXAMPLE.org")
			if contact.Properties["firstname"] != "Ada" || contact.Properties["lastname"] != "Example" {
				t.Errorf("an update must keep what it does not name: %v", contact.Properties)
			}
			if phone, ok := contact.Properties["phone"]; ok {
				t.Errorf("an empty value must clear; phone is %q", phone)
			}
			writes := sim.Writes()
			if len(writes) != 2 || !writes[0].Created || writes[1].Created || writes[0].Email != "ada@example.org" ||
				writes[1].Properties["phone"] != "" || writes[0].ContactID != contact.ID || writes[1].Request != 2 {
				t.Errorf("writes: %+v", writes)
			}
		})
	}
}

// TestWholeBatchRefused covers what refuses a batch even where every input has
// a trace id; the first input is good each time and must not be written.
func TestWholeBatchRefused(t *testing.T) {
	t.Parallel()
	const good = `{"id":"good@example.org","idProperty":"email","objectWriteTraceId":"1","properties":{}}`
	many := func(n int) string {
		rows := make([]input, n)
		for i := range rows {
			rows[i] = row(fmt.Sprintf("c%d@example.org", i), nil)
		}
		return batch(rows...)
	}
	with := func(rest string) string { return `{"inputs":[` + good + `,` + rest + `]}` }
	tests := map[string]struct{ body, message string }{
		"not JSON":            {`{"inputs":[`, "Invalid input JSON: line 1"},
		"two values":          {`{"inputs":[` + good + `]} {}`, "Invalid input JSON"},
		"empty body":          {"", "Invalid input JSON"},
		"invalid UTF-8":       {"{\"inputs\":[" + strings.Replace(good, "good", "go\xffd", 1) + "]}", "UTF-8"},
		"inputs is an object": {`{"inputs":{}}`, "cannot deserialize"},
		"101 inputs":          {many(101), "100"},
		"no id":               {with(`{"properties":{}}`), "[id]"},
		"no properties":       {with(`{"id":"b@example.org","idProperty":"email"}`), "[properties]"},
		"number as value":     {with(`{"id":"b@example.org","idProperty":"email","properties":{"phone":123}}`), "properties"},
		"bool as value":       {with(`{"id":"b@example.org","idProperty":"email","properties":{"phone":true}}`), "properties"},
		"null as value":       {with(`{"id":"b@example.org","idProperty":"email","properties":{"phone":null}}`), "phone"},
		"object as value":     {with(`{"id":"b@example.org","idProperty":"email","properties":{"phone":{}}}`), "properties"},
		"non-unique property": {with(`{"id":"1","idProperty":"phone","properties":{}}`), "non-unique"},
		"same id twice":       {with(strings.Replace(good, `"1"`, `"2"`, 1)), "Duplicate IDs found in batch input"},
		"same id, other case": {with(`{"id":" GOOD@example.org","idProperty":"email","objectWriteTraceId":"2","properties":{}}`), "Duplicate IDs found in batch input"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, version := range versions {
				sim := newSim(t, hubspotsim.Options{})
				got := call(t, sim, http.MethodPost, objects(version, "batch/upsert"), test.body)
				got.expect(t, http.StatusBadRequest, map[string]any{"status": "error", "category": "VALIDATION_ERROR"})
				if message, _ := got.at("message").(string); !strings.Contains(message, test.message) {
					t.Errorf("message %q does not speak of %q", message, test.message)
				}
				if n := len(sim.Contacts()); n != 0 {
					t.Errorf("%d contacts were written", n)
				}
			}
		})
	}
	sim := newSim(t, hubspotsim.Options{})
	call(t, sim, http.MethodPost, objects("v3", "batch/upsert"), many(100)).expect(t, http.StatusOK, nil)
	if n := len(sim.Contacts()); n != 100 {
		t.Errorf("of a full batch %d were written", n)
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	body := batch(row("ada@example.org", map[string]string{"firstname": strings.Repeat("x", 17<<20)}))
	for _, path := range []string{objects("v3", "batch/upsert"), properties("v3", "/groups")} {
		call(t, sim, http.MethodPost, path, body).expect(t, http.StatusRequestEntityTooLarge, nil)
	}
}

func TestBodyWithoutInputs(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		for _, body := range []string{`{}`, `{"inputs":null}`, `{"inputs":[]}`, `{"unknown":1}`} {
			got := call(t, newSim(t, hubspotsim.Options{}), http.MethodPost, objects(version, "batch/upsert"), body)
			got.expect(t, http.StatusOK, map[string]any{"status": "COMPLETE"})
			if results, ok := got.at("results").([]any); !ok || len(results) != 0 {
				t.Errorf("%s: %s", body, got.body)
			}
		}
	}
}

func TestBadRowsWithAndWithoutTraceIDs(t *testing.T) {
	t.Parallel()
	rows := func() []input {
		return []input{row("good@example.org", nil), row("not-an-email", nil), row("other@example.org", nil)}
	}
	repeated := rows()
	repeated[2].TraceID = repeated[0].TraceID
	partly := rows()
	partly[2].TraceID = ""
	tests := map[string]struct {
		rows   []input
		status int
		writes []string
	}{
		"on every row":   {rows(), http.StatusMultiStatus, []string{"good@example.org", "other@example.org"}},
		"on none":        {untraced(rows()...), http.StatusBadRequest, []string{}},
		"one missing":    {partly, http.StatusBadRequest, []string{}},
		"one used twice": {repeated, http.StatusBadRequest, []string{}},
	}
	for name, test := range tests {
		for _, version := range versions {
			t.Run(name+"/"+version, func(t *testing.T) {
				t.Parallel()
				sim := newSim(t, hubspotsim.Options{})
				got := upsert(t, sim, version, test.rows...)
				got.expect(t, test.status, nil)
				if !strings.Contains(got.body, "INVALID_EMAIL") {
					t.Errorf("the reason is missing: %s", got.body)
				}
				if written := emails(sim.Writes()); !slices.Equal(written, test.writes) {
					t.Errorf("written: %v, want %v", written, test.writes)
				}
				if applied := sim.Received()[0].Applied; applied != (len(test.writes) > 0) {
					t.Errorf("recorded as applied: %v", applied)
				}
			})
		}
	}
}

func TestResultsAreNotInInputOrder(t *testing.T) {
	t.Parallel()
	order := func(b hubspotsim.Behaviour, seed uint64) []string {
		sim := newSim(t, hubspotsim.Options{Behaviour: b, Seed: seed})
		rows := make([]input, 20)
		for i := range rows {
			rows[i] = row(fmt.Sprintf("c%02d@example.org", i), nil)
		}
		var got []string
		for _, item := range upsert(t, sim, "2026-09", rows...).json["results"].([]any) {
			got = append(got, item.(map[string]any)["properties"].(map[string]any)["email"].(string))
		}
		return got
	}
	input := order(hubspotsim.Behaviour{ResultOrder: hubspotsim.OrderInput}, 1)
	if !slices.IsSorted(input) || len(input) != 20 {
		t.Errorf("input order: %v", input)
	}
	reversed := order(hubspotsim.Behaviour{ResultOrder: hubspotsim.OrderReversed}, 1)
	slices.Reverse(reversed)
	if !slices.Equal(reversed, input) {
		t.Errorf("reversed order: %v", reversed)
	}
	shuffled := order(hubspotsim.Behaviour{}, 1)
	if slices.Equal(shuffled, input) {
		t.Error("not shuffled")
	}
	if again := order(hubspotsim.Behaviour{}, 1); !slices.Equal(shuffled, again) {
		t.Error("one seed gave two orders")
	}
	if other := order(hubspotsim.Behaviour{}, 2); slices.Equal(shuffled, other) {
		t.Error("two seeds gave one order")
	}
}

func TestTraceEchoCanBeOff(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{Behaviour: hubspotsim.Behaviour{NoTraceEcho: true}})
	got := upsert(t, sim, "2026-09", row("ada@example.org", nil))
	got.expect(t, http.StatusOK, map[string]any{"results.0.objectWriteTraceId": nil, "results.0.properties.email": "ada@example.org"})
}

func TestUpsertByRecordID(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	contact := sim.Put("ada@example.org", nil)
	in := input{ID: contact.ID, TraceID: "1", Properties: map[string]string{"firstname": "Ada"}}
	upsert(t, sim, "v3", in).expect(t, http.StatusOK, map[string]any{"results.0.id": contact.ID})
	in.ID = "404"
	upsert(t, sim, "v3", in).expect(t, http.StatusMultiStatus, map[string]any{"errors.0.category": "OBJECT_NOT_FOUND"})
}
