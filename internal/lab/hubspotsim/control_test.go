package hubspotsim_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// anonymous takes the credentials off: the control API asks for none.
func anonymous(r *http.Request) { r.Header = http.Header{} }

func TestControlAPI(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	control := func(method, path, body string) reply {
		t.Helper()
		return call(t, sim, method, "/_sim/"+path, body, anonymous)
	}
	control(http.MethodGet, "healthz", "").expect(t, http.StatusOK, map[string]any{"status": "ok"})

	control(http.MethodPost, "faults", `{"path":"upsert","status":503,"times":1,"latency":"1ms"}`).
		expect(t, http.StatusCreated, map[string]any{"status": 503.0, "latency": "1ms"})
	control(http.MethodGet, "faults", "").expect(t, http.StatusOK, map[string]any{"faults.0.path": "upsert"})
	if f := sim.Faults()[0]; f.Latency != time.Millisecond || f.Times != 1 {
		t.Errorf("armed: %+v", f)
	}
	upsert(t, sim, "2026-09", row("ada@example.org", nil)).expect(t, http.StatusServiceUnavailable, nil)
	control(http.MethodDelete, "faults", "").expect(t, http.StatusNoContent, nil)
	if n := len(sim.Faults()); n != 0 {
		t.Errorf("%d faults are left", n)
	}

	control(http.MethodPost, "contacts", `{"email":"Eve@example.org","properties":{"phone":"1"},"secondary":["eve@example.com"],"conflicts":["e@example.org"]}`).
		expect(t, http.StatusCreated, map[string]any{"email": "eve@example.org", "properties.phone": "1", "secondary.1": "e@example.org"})
	upsert(t, sim, "2026-09", row("ada@example.org", nil), row("e@example.org", nil)).
		expect(t, http.StatusMultiStatus, map[string]any{"errors.0.category": "CONFLICT"})
	control(http.MethodGet, "contacts", "").expect(t, http.StatusOK,
		map[string]any{"contacts.0.email": "eve@example.org", "contacts.1.email": "ada@example.org"})
	control(http.MethodGet, "contacts?email=EVE@example.com", "").expect(t, http.StatusOK, map[string]any{"email": "eve@example.org"})
	control(http.MethodGet, "contacts?email=nobody@example.org", "").expect(t, http.StatusNotFound, nil)
	control(http.MethodPost, "contacts", `{"email":"ada@example.org","secondary":["eve@example.org"]}`).expect(t, http.StatusConflict, nil)
	control(http.MethodPost, "contacts", `{"email":"old@example.org","archived":true}`).
		expect(t, http.StatusCreated, map[string]any{"archived": true})

	control(http.MethodGet, "requests", "").expect(t, http.StatusOK, map[string]any{
		"requests.0.status": 503.0, "requests.0.fault": "503", "requests.1.status": 207.0, "requests.1.applied": true,
		"requests.1.inputs.1.id": "e@example.org", "requests.1.inputs.0.trace_id": "t-ada@example.org",
	})
	control(http.MethodGet, "requests?since=1", "").expect(t, http.StatusOK, map[string]any{"requests.0.seq": 2.0, "requests.1": nil})
	control(http.MethodGet, "writes", "").expect(t, http.StatusOK, map[string]any{
		"writes.0.email": "ada@example.org", "writes.0.created": true, "writes.0.request": 2.0, "writes.1": nil,
	})
	control(http.MethodGet, "writes?since=x", "").expect(t, http.StatusBadRequest, nil)
	control(http.MethodGet, "stats", "").expect(t, http.StatusOK,
		map[string]any{"requests": 2.0, "finished": 2.0, "writes": 1.0, "contacts": 3.0})

	control(http.MethodPost, "behaviour", `{"no_trace_echo":true}`).expect(t, http.StatusOK, nil)
	upsert(t, sim, "2026-09", row("ada@example.org", nil)).expect(t, http.StatusOK, map[string]any{"results.0.objectWriteTraceId": nil})
	control(http.MethodPost, "token", `{"token":"other"}`).expect(t, http.StatusNoContent, nil)
	upsert(t, sim, "2026-09", row("ada@example.org", nil)).expect(t, http.StatusUnauthorized, nil)

	control(http.MethodPost, "reset", "").expect(t, http.StatusNoContent, nil)
	if s := sim.Stats(); s != (hubspotsim.Stats{}) {
		t.Errorf("after a reset: %+v", s)
	}
	upsert(t, sim, "2026-09", row("ada@example.org", nil)).
		expect(t, http.StatusOK, map[string]any{"results.0.new": true, "results.0.objectWriteTraceId": "t-ada@example.org"})
}

func TestControlAPIRefusesNonsense(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	for _, request := range [][2]string{
		{"faults", `{`},
		{"faults", `{"mode":"explode"}`},
		{"faults", `{"latency":"soon"}`},
		{"faults", `{"latency":5}`},
		{"faults", `{"stauts":500}`},
		{"faults", `{"mode":"redirect"}`},
		{"behaviour", `{"error_shape":"round"}`},
		{"behaviour", `{"conflict_hint":"perhaps"}`},
		{"behaviour", `{"result_order":"random"}`},
		{"behaviour", `{"echo":true}`},
		{"token", `{"key":"x"}`},
		{"contacts", `{"properties":{}}`},
	} {
		call(t, sim, http.MethodPost, "/_sim/"+request[0], request[1], anonymous).expect(t, http.StatusBadRequest, nil)
	}
	if got := call(t, sim, http.MethodGet, "/_sim/nothing", "", anonymous); got.status != http.StatusNotFound {
		t.Errorf("status %d", got.status)
	}
	if s := sim.Stats(); s.Requests != 0 {
		t.Errorf("the control API counts as HubSpot's: %+v", s)
	}
}

func TestFaultSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := hubspotsim.Fault{
		Name: "n", Method: "POST", Path: "p", Skip: 1, Times: 2, Latency: 1500 * time.Millisecond, Mode: hubspotsim.Huge,
		Status: 201, Body: "b", Header: map[string]string{"A": "b"}, URL: "u", Size: 3, Drop: 4, AfterWrite: true,
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got hubspotsim.Fault
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s became %+v", data, got)
	}
}
