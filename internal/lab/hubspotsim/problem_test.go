package hubspotsim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestErrorShapes(t *testing.T) {
	t.Parallel()
	rows := []input{
		row("good@example.org", nil), row("bad-1", nil), row("bad-2", nil),
		row("ada@example.org", map[string]string{"nonsense": "1"}),
	}
	tests := map[hubspotsim.ErrorShape]struct {
		errors int
		want   map[string]any
	}{
		hubspotsim.ErrorPerRow: {3, map[string]any{
			"errors.0.context.objectWriteTraceId.0": "t-bad-1", "errors.1.context.objectWriteTraceId.0": "t-bad-2",
			"errors.2.context.objectWriteTraceId.0": "t-ada@example.org", "errors.2.errors.0.code": "PROPERTY_DOESNT_EXIST",
		}},
		hubspotsim.ErrorGrouped: {2, map[string]any{
			"errors.0.context.objectWriteTraceId.0": "t-bad-1", "errors.0.context.objectWriteTraceId.1": "t-bad-2",
			"errors.1.context.objectWriteTraceId.0": "t-ada@example.org",
		}},
		hubspotsim.ErrorIDsOnly: {3, map[string]any{
			"errors.0.context.ids.0": "bad-1", "errors.0.context.objectWriteTraceId": nil, "errors.2.context.ids.0": "ada@example.org",
		}},
		hubspotsim.ErrorBare: {3, map[string]any{
			"errors.0.context.ids": nil, "errors.0.context.objectWriteTraceId": nil, "errors.0.category": "VALIDATION_ERROR",
		}},
	}
	for shape, test := range tests {
		t.Run("shape "+string(shape), func(t *testing.T) {
			t.Parallel()
			for _, version := range versions {
				sim := newSim(t, hubspotsim.Options{Behaviour: hubspotsim.Behaviour{ErrorShape: shape}})
				got := upsert(t, sim, version, rows...)
				got.expect(t, http.StatusMultiStatus, test.want)
				got.expect(t, http.StatusMultiStatus, map[string]any{"numErrors": 3.0, "status": "COMPLETE"})
				if n := len(got.at("errors").([]any)); n != test.errors {
					t.Errorf("%d errors, want %d", n, test.errors)
				}
				if only(t, got.results(t))["objectWriteTraceId"] != "t-good@example.org" {
					t.Errorf("the good row is missing: %s", got.body)
				}
			}
		})
	}
}

func TestErrorDetailsCanBeOff(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{Behaviour: hubspotsim.Behaviour{NoErrorDetails: true}})
	for _, got := range []reply{
		upsert(t, sim, "2026-09", row("bad", nil)),
		upsert(t, sim, "2026-09", untraced(row("bad", nil))...),
	} {
		if got.at("errors.0.errors.0") != nil || got.at("errors.0.code") != nil {
			t.Errorf("details: %s", got.body)
		}
		if !strings.Contains(got.body, `\"error\":\"INVALID_EMAIL\"`) {
			t.Errorf("the code is not in the message either: %s", got.body)
		}
	}
}

func TestConflictIsOneRowsAffair(t *testing.T) {
	t.Parallel()
	for hint, where := range map[hubspotsim.ConflictHint]struct{ context, message bool }{
		hubspotsim.HintBoth: {true, true}, hubspotsim.HintContext: {true, false},
		hubspotsim.HintMessage: {false, true}, hubspotsim.HintNone: {},
	} {
		t.Run("hint "+string(hint), func(t *testing.T) {
			t.Parallel()
			for _, version := range versions {
				sim := newSim(t, hubspotsim.Options{Behaviour: hubspotsim.Behaviour{ConflictHint: hint}})
				id := conflicting(t, sim)
				var inContext any
				if where.context {
					inContext = id
				}
				got := upsert(t, sim, version, row("good@example.org", nil), row("second@example.org", nil))
				got.expect(t, http.StatusMultiStatus, map[string]any{
					"errors.0.category": "CONFLICT", "errors.0.context.objectWriteTraceId.0": "t-second@example.org",
					"errors.0.context.existingId.0": inContext,
				})
				checkHint(t, got.at("errors.0.message"), id, where.message)
				if n := sim.Stats().Writes; n != 1 {
					t.Errorf("%d writes, want that of the good row", n)
				}
				alone := upsert(t, sim, version, untraced(row("second@example.org", nil))...)
				alone.expect(t, http.StatusConflict, map[string]any{
					"category": "CONFLICT", "errors.0.context.existingId.0": inContext,
				})
				checkHint(t, alone.at("message"), id, where.message)
			}
		})
	}
}

// conflicting makes second@example.org conflict with the contact whose id it
// returns.
func conflicting(t *testing.T, sim *hubspotsim.Sim) string {
	t.Helper()
	if err := sim.Conflict("second@example.org", "ada@example.org"); err != nil {
		t.Fatal(err)
	}
	contact, ok := sim.Contact("ada@example.org")
	if !ok {
		t.Fatal("no contact to conflict with")
	}
	return contact.ID
}

func checkHint(t *testing.T, message any, id string, want bool) {
	t.Helper()
	text, _ := message.(string)
	if got := strings.Contains(text, "Existing ID: "+id); got != want {
		t.Errorf("message %q names the contact: %v, want %v", text, got, want)
	}
}

func TestConflictCanRefuseTheBatch(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{Behaviour: hubspotsim.Behaviour{ConflictWholeBatch: true}})
	conflicting(t, sim)
	upsert(t, sim, "2026-09", row("good@example.org", nil), row("bad", nil), row("second@example.org", nil)).
		expect(t, http.StatusConflict, map[string]any{"category": "CONFLICT"})
	if sim.Stats().Writes != 0 {
		t.Error("something was written")
	}
	upsert(t, sim, "2026-09", row("good@example.org", nil), row("bad", nil)).expect(t, http.StatusMultiStatus, nil)
}

func TestConflictIsRepairedByID(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		sim := newSim(t, hubspotsim.Options{})
		id := conflicting(t, sim)
		read := call(t, sim, http.MethodPost, objects(version, "batch/read"),
			`{"idProperty":"email","properties":["hs_additional_emails"],"inputs":[{"id":"Second@example.org"}]}`)
		read.expect(t, http.StatusOK, map[string]any{
			"results.0.id": id, "results.0.properties.hs_additional_emails": "second@example.org",
		})
		call(t, sim, http.MethodPatch, objects(version, id), `{"properties":{"firstname":"Ada"}}`).
			expect(t, http.StatusOK, map[string]any{"id": id, "properties.firstname": "Ada"})
		if w := sim.Writes(); len(w) != 1 || w[0].ContactID != id || w[0].Email != "ada@example.org" {
			t.Errorf("writes: %+v", w)
		}
	}
}
