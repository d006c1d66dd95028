package brevosim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const testKey = "xkeysib-test"

// ask makes a request of the account, with the key.
func ask(t *testing.T, s *Sim, method, path, body string) (status int, answered map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Api-Key", testKey)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answered); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
		}
	}
	return w.Code, answered
}

// Every kind of answer is as Brevo's OpenAPI file has it.
func TestAnswersKeepToTheContract(t *testing.T) {
	t.Parallel()
	s := New(Options{Key: testKey, Lists: []int64{30}})
	for _, call := range []struct {
		method, path, body string
		status             int
		says               string // a part of the message
	}{
		{"POST", "/contacts", `{"email":"ada@example.org","attributes":{"FIRSTNAME":"Ada","NOWHERE":"x","LASTNAME":7},"listIds":[30],"updateEnabled":true}`, 201, ""},
		{"POST", "/contacts", `{"email":"Ada@Example.org","attributes":{"SMS":"+49 151"},"updateEnabled":true}`, 400, "Invalid phone number"},
		{"POST", "/contacts", `{"email":"Ada@Example.org","attributes":{"SMS":"+4915112345678"},"updateEnabled":true}`, 204, ""},
		{"POST", "/contacts", `{"email":"second@example.org","attributes":{"SMS":"004915112345678"},"updateEnabled":true}`, 400, "SMS is already associated"},
		{"POST", "/contacts", `{"email":"ada@example.org"}`, 400, "already associated"},
		{"POST", "/contacts", `{"email":"ada","updateEnabled":true}`, 400, "Invalid email address"},
		{"POST", "/contacts", `{"attributes":{},"updateEnabled":true}`, 400, "missing"},
		{"POST", "/contacts", `{"email":"b@example.org","attributes":{"FIRSTNAME":null}}`, 400, "should not be null"},
		{"POST", "/contacts", `{"email":"b@example.org","listIds":[31]}`, 400, "List"},
		{"GET", "/contacts?limit=1", "", 200, ""},
		{"GET", "/contacts/ada%40example.org?identifierType=email_id", "", 200, ""},
		{"GET", "/contacts/101?identifierType=contact_id", "", 200, ""},
		{"GET", "/contacts/102?identifierType=contact_id", "", 404, "does not exist"},
		{"GET", "/contacts/attributes", "", 200, ""},
		{"POST", "/contacts/attributes/normal/JOB_TITLE", `{"type":"text"}`, 201, ""},
		{"POST", "/contacts/attributes/normal/JOB_TITLE", `{"type":"text"}`, 400, "unique"},
		{"GET", "/contacts/lists/30", "", 200, ""},
		{"GET", "/contacts/lists/31", "", 404, "does not exist"},
		{"GET", "/account", "", 200, ""},
		{"DELETE", "/contacts/ada@example.org?identifierType=email_id", "", 204, ""},
	} {
		status, answered := ask(t, s, call.method, call.path, call.body)
		said, _ := answered["message"].(string)
		if status != call.status || !strings.Contains(said, call.says) {
			t.Errorf("%s %s %s: %d %v, want %d %q", call.method, call.path, call.body, status, answered, call.status, call.says)
		}
	}
	for _, v := range s.Violations() {
		if !strings.Contains(v, "attributes.FIRSTNAME") { // one request breaks the contract on purpose
			t.Error(v)
		}
	}
	if w := s.Writes(); len(w) != 2 || w[0].ID != 101 || !w[0].Created || w[1].Created {
		t.Errorf("writes %+v", w)
	}
}

// The contract is not kept by whoever sends what is not in it.
func TestViolationsAreSeen(t *testing.T) {
	t.Parallel()
	s := New(Options{Key: testKey})
	for body, want := range map[string]string{
		`{"email":"a@example.org","surprise":1}`:                 "request.surprise is not a member",
		`{"email":7}`:                                            "request.email is no string",
		`{"email":"a@example.org","listIds":["x"]}`:              "request.listIds[0] is no integer",
		`{"email":"a@example.org","attributes":{"A":{"B":"c"}}}`: "request.attributes.A is none of what it may be",
	} {
		before := len(s.Violations())
		ask(t, s, http.MethodPost, "/contacts", body)
		if got := s.Violations(); len(got) == before || !slices.ContainsFunc(got, func(v string) bool { return strings.HasSuffix(v, want) }) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestWhatIsDropped(t *testing.T) {
	t.Parallel()
	attributes := Standard()
	attributes["OPEN"], attributes["SINCE"] = "boolean", "date"
	s := New(Options{Key: testKey, Attributes: attributes})
	ask(t, s, http.MethodPost, "/contacts", `{"email":"a@example.org","attributes":{"FIRSTNAME":"Ada","NOWHERE":"x","OPEN":"true","SINCE":"1.2.2026"}}`)
	ask(t, s, http.MethodPost, "/contacts", `{"email":"b@example.org","attributes":{"OPEN":true,"SINCE":"2026-02-01"}}`)
	a, _ := s.Contact("a@example.org")
	b, _ := s.Contact("b@example.org")
	if len(a.Attributes) != 1 || a.Attributes["FIRSTNAME"] != "Ada" || len(b.Attributes) != 2 {
		t.Errorf("kept %v and %v", a.Attributes, b.Attributes)
	}
}

func TestLimitAndKey(t *testing.T) {
	t.Parallel()
	s := New(Options{Key: testKey, Rate: 2})
	var statuses []int
	for range 3 {
		status, _ := ask(t, s, http.MethodGet, "/contacts?limit=1", "")
		statuses = append(statuses, status)
	}
	s.SetKey("another")
	refused, _ := ask(t, s, http.MethodGet, "/account", "")
	if got := append(statuses, refused); !slices.Equal(got, []int{200, 200, 429, 401}) {
		t.Errorf("statuses %v", got)
	}
}
