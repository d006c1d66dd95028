package brevosim

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

// answer is what goes back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) with(header http.Header) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	for name, values := range header {
		if a.header.Get(name) == "" {
			a.header[name] = values
		}
	}
	return a
}

func (a answer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func okay(status int, body any) answer {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // a mistake in this package
	}
	return answer{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: data}
}

func refusal(status int, code, message string) *answer {
	a := okay(status, map[string]any{"code": code, "message": message})
	return &a
}

func duplicate(code, message, identifier string) *answer {
	a := okay(http.StatusBadRequest, map[string]any{
		"code": code, "message": message, "metadata": map[string]any{"duplicate_identifiers": []string{identifier}},
	})
	return &a
}

func itoa(n int) string { return strconv.Itoa(n) }

// handle carries a request out.
func (s *Sim) handle(r *http.Request, body []byte) answer {
	if r.Method == http.MethodPost && r.URL.Path == "/contacts" {
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			return *refusal(http.StatusUnsupportedMediaType, "unsupported_media_type", "Content-Type must be application/json")
		}
		return s.upsert(body)
	}
	recorder := httptest.NewRecorder()
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.routes.ServeHTTP(recorder, r)
	return answer{status: recorder.Code, header: recorder.Header(), body: recorder.Body.Bytes()}
}

// api are the calls that only read, or are made once, and those for who runs the Sim.
func (s *Sim) api() *http.ServeMux {
	mux := http.NewServeMux()
	answered := func(pattern string, handle func(r *http.Request) answer) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			a := handle(r)
			s.mu.Unlock()
			a.send(w)
		})
	}
	missing := *refusal(http.StatusNotFound, "document_not_found", "Contact does not exist")
	answered("GET /contacts", func(*http.Request) answer {
		list := []map[string]any{}
		for _, c := range s.contacts {
			list = append(list, c.details())
			break // that is the limit which is asked for
		}
		return okay(http.StatusOK, map[string]any{"contacts": list, "count": len(s.contacts)})
	})
	answered("GET /contacts/{identifier}", func(r *http.Request) answer {
		if c := s.find(r); c != nil {
			return okay(http.StatusOK, c.details())
		}
		return missing
	})
	answered("DELETE /contacts/{identifier}", func(r *http.Request) answer {
		c := s.find(r)
		if c == nil {
			return missing
		}
		delete(s.contacts, c.Email)
		return answer{status: http.StatusNoContent}
	})
	answered("GET /contacts/attributes", func(*http.Request) answer {
		list := []map[string]any{{"name": "BLACKLIST", "category": "global", "calculatedValue": "COUNT[BLACKLISTED,BLACKLISTED,<,NOW()]"}}
		for _, name := range slices.Sorted(maps.Keys(s.attributes)) {
			list = append(list, map[string]any{"name": name, "category": "normal", "type": s.attributes[name]})
		}
		return okay(http.StatusOK, map[string]any{"attributes": list})
	})
	answered("POST /contacts/attributes/normal/{name}", func(r *http.Request) answer {
		var body struct{ Type string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		name := strings.ToUpper(r.PathValue("name"))
		if _, exists := s.attributes[name]; exists {
			return *refusal(http.StatusBadRequest, "invalid_parameter", "Attribute name must be unique")
		}
		s.attributes[name] = body.Type
		return okay(http.StatusCreated, map[string]any{})
	})
	answered("GET /contacts/lists/{id}", func(r *http.Request) answer {
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if !slices.Contains(s.lists, id) {
			return *refusal(http.StatusNotFound, "document_not_found", "List ID does not exist")
		}
		return okay(http.StatusOK, map[string]any{
			"id": id, "name": "List " + r.PathValue("id"), "folderId": 1, "createdAt": "2026-01-02T03:04:05Z", "totalBlacklisted": 0,
			"totalSubscribers": 0, "uniqueSubscribers": 0, "dynamicList": false, "campaignStats": []any{},
		})
	})
	answered("GET /account", func(*http.Request) answer { return okay(http.StatusOK, account) })
	s.control(mux)
	return mux
}

// control are the calls for who runs the Sim: no key, JSON in and out.
func (s *Sim) control(mux *http.ServeMux) {
	show := func(w http.ResponseWriter, body any) { okay(http.StatusOK, body).send(w) }
	mux.HandleFunc("GET /_sim/healthz", func(w http.ResponseWriter, _ *http.Request) { show(w, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /_sim/requests", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Received()) })
	mux.HandleFunc("GET /_sim/writes", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Writes()) })
	mux.HandleFunc("POST /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.Inject(f)
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
}

// details is a contact as GET shows it.
func (c *Contact) details() map[string]any {
	return map[string]any{
		"id": c.ID, "email": c.Email, "attributes": c.Attributes, "listIds": c.Lists, "emailBlacklisted": c.Blacklisted,
		"smsBlacklisted": c.SMSBlocked, "createdAt": c.CreatedAt, "modifiedAt": c.ModifiedAt, "statistics": map[string]any{},
	}
}

// account is whose the key is.
var account = map[string]any{
	"organization_id": "5fa2b8c123456789abcdef01", "user_id": 1234567, "enterprise": false, "companyName": "Example",
	"email": "owner@example.org", "firstName": "Ada", "lastName": "Example",
	"address":             map[string]string{"city": "Berlin", "country": "Germany", "street": "Example Street 1", "zipCode": "10115"},
	"dateTimePreferences": map[string]string{"timezone": "Europe/Berlin", "timeFormat": "24", "dateFormat": "dd-mm-yyyy"},
	"plan":                []map[string]any{{"type": "free", "credits": 300, "creditsType": "sendLimit"}},
	"relay":               map[string]any{"enabled": false, "data": map[string]any{"userName": "owner@example.org", "relay": "smtp-relay.brevo.com", "port": 587}},
	"planVerticals":       []any{}, "marketingAutomation": map[string]any{"enabled": false},
}
