package hubspotsim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "pat-eu1-right"

var versions = []string{"2026-09", "2026-03", "v3"}

// objects is the path of the contacts' calls in a version.
func objects(version, rest string) string {
	if version == "v3" {
		return "/crm/v3/objects/contacts/" + rest
	}
	return "/crm/objects/" + version + "/contacts/" + rest
}

// properties is the path of the properties' calls in a version; rest is empty
// or begins with a slash.
func properties(version, rest string) string {
	if version == "v3" {
		return "/crm/v3/properties/contacts" + rest
	}
	return "/crm/properties/" + version + "/contacts" + rest
}

func newSim(t *testing.T, o hubspotsim.Options) *hubspotsim.Sim {
	t.Helper()
	o.Token = token
	return hubspotsim.New(o)
}

// reply is an answer as a client sees it.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// call sends a request to the handler, with the right token and content type
// unless change alters them.
func call(t *testing.T, sim http.Handler, method, path, body string, change ...func(*http.Request)) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	got := reply{status: w.Code, header: w.Header(), body: w.Body.String()}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && got.body != "" {
		if err := json.Unmarshal(w.Body.Bytes(), &got.json); err != nil {
			t.Fatalf("%s %s: answer is not a JSON object: %v\n%s", method, path, err, got.body)
		}
	}
	return got
}

// at follows a path such as "errors.0.context.existingId.0" into a JSON answer;
// what is not there is nil.
func (r reply) at(path string) any {
	var v any = r.json
	for step := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

func (r reply) expect(t *testing.T, status int, want map[string]any) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d\n%s", r.status, status, r.body)
	}
	for path, value := range want {
		if got := r.at(path); got != value {
			t.Errorf("%s is %v, want %v\n%s", path, got, value, r.body)
		}
	}
}

// input is one row of an upsert.
type input struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"idProperty,omitempty"`
	TraceID    string            `json:"objectWriteTraceId,omitempty"`
	Properties map[string]string `json:"properties"`
}

// row is an input by email, with the trace id "t-"+email.
func row(email string, properties map[string]string) input {
	if properties == nil {
		properties = map[string]string{}
	}
	return input{ID: email, IDProperty: "email", TraceID: "t-" + email, Properties: properties}
}

func untraced(rows ...input) []input {
	for i := range rows {
		rows[i].TraceID = ""
	}
	return rows
}

func batch(rows ...input) string {
	data, err := json.Marshal(map[string]any{"inputs": rows})
	if err != nil {
		panic(err)
	}
	return string(data)
}

func upsert(t *testing.T, sim http.Handler, version string, rows ...input) reply {
	t.Helper()
	return call(t, sim, http.MethodPost, objects(version, "batch/upsert"), batch(rows...))
}

// results is the results of a batch by email.
func (r reply) results(t *testing.T) map[string]map[string]any {
	t.Helper()
	list, ok := r.at("results").([]any)
	if !ok {
		t.Fatalf("no results: %s", r.body)
	}
	byEmail := map[string]map[string]any{}
	for _, item := range list {
		result := item.(map[string]any)
		byEmail[result["properties"].(map[string]any)["email"].(string)] = result
	}
	return byEmail
}

func only[T any](t *testing.T, m map[string]T) T {
	t.Helper()
	if len(m) != 1 {
		t.Fatalf("want one item, got %v", m)
	}
	for _, v := range m {
		return v
	}
	panic("unreachable")
}

func emails(writes []hubspotsim.Write) []string {
	all := []string{}
	for _, w := range writes {
		all = append(all, w.Email)
	}
	return all
}

// clock is a time that moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
