package dashboard_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/internal/web/dashboard"
)

// board makes the pages of a database, which may be none.
func board(t *testing.T, url string, change func(o *dashboard.Options)) *dashboard.Dashboard {
	t.Helper()
	pool, err := database.NewPool(t.Context(), url, "test", 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	o := dashboard.Options{
		Store: ops.New(pool, onContacts).Via(ops.Dashboard), Instance: "one", Version: "v1", Log: slog.New(slog.DiscardHandler),
		Advice: hubspot.Advice,
		Draft: func(context.Context, contact.Contact) ([]destination.Field, contact.Outcome, error) {
			return nil, contact.Outcome{}, nil
		},
	}
	if change != nil {
		change(&o)
	}
	d, err := dashboard.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// onContacts is HubSpot on the table that SQL is written for.
var onContacts = statement.For(statement.Contacts(), hubspot.Info, hubspot.Info)

// nowhere is a database that nobody answers for.
const nowhere = "postgres://nobody@127.0.0.1:1/nothing?connect_timeout=1"

// local is a request as a browser at this machine makes it.
func local(t *testing.T, method, path string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:8080"+path, nil)
	r.RemoteAddr = "127.0.0.1:40000"
	return r
}

func answer(d http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// paths are one of every kind.
var paths = []string{
	"GET /", "GET /contacts", "GET /contacts/x", "GET /failures", "GET /pause", "GET /resume", "GET /contacts/x/skip", "GET /failures/TIMEOUT/retry",
	"GET /events", "GET /nothing", "POST /pause", "POST /resume", "POST /contacts/x/skip", "POST /failures/TIMEOUT/retry",
}

func TestWithoutAPasswordOnlyThisMachine(t *testing.T) {
	t.Parallel()
	d := board(t, nowhere, nil)
	for name, tt := range map[string]struct {
		remote, host, header string
		in                   bool
	}{
		"this machine":              {"127.0.0.1:1", "localhost:8080", "", true},
		"by its number":             {"127.0.0.1:1", "127.0.0.1:8080", "", true},
		"by another of its numbers": {"127.8.9.1:1", "127.8.9.1", "", true},
		"over IPv6":                 {"[::1]:1", "[::1]:8080", "", true},
		"IPv4 within IPv6":          {"[::ffff:127.0.0.1]:1", "LOCALHOST", "", true},
		"another machine":           {"192.0.2.1:1", "localhost:8080", "", false},
		"another over IPv6":         {"[2001:db8::1]:1", "localhost", "", false},
		"a name that leads here":    {"127.0.0.1:1", "rebound.example.org:8080", "", false},
		"a name like ours":          {"127.0.0.1:1", "localhost.example.org", "", false},
		"no name":                   {"127.0.0.1:1", "", "", false},
		"a proxy here":              {"127.0.0.1:1", "localhost:8080", "X-Forwarded-For", false},
		"another proxy here":        {"127.0.0.1:1", "localhost:8080", "Forwarded", false},
		"a proxy that tells little": {"127.0.0.1:1", "localhost:8080", "X-Forwarded-Proto", false},
		"a mesh's proxy":            {"127.0.0.6:1", "localhost:8080", "X-Request-Id", false},
		"nginx as it comes":         {"127.0.0.1:1", "127.0.0.1:8080", "HTTP/1.0", false},
		"a silent proxy's browser":  {"127.0.0.1:1", "127.0.0.1:8080", "Referer", false},
		"nobody knows whence":       {"@", "localhost:8080", "", false},
	} {
		for _, path := range paths {
			method, path, _ := strings.Cut(path, " ")
			if tt.in && path == "/events" {
				continue // it would not end
			}
			r := local(t, method, path)
			r.RemoteAddr, r.Host = tt.remote, tt.host
			switch tt.header {
			case "":
			case "HTTP/1.0":
				r.ProtoMinor = 0
			case "Referer":
				r.Header.Set("Referer", "https://sync.example.org/")
			default:
				r.Header.Set(tt.header, "192.0.2.1")
			}
			w := answer(d, r)
			if got := w.Code != http.StatusForbidden; got != tt.in {
				t.Errorf("%s: %s %s is answered %d", name, method, path, w.Code)
			}
			if !tt.in && !strings.Contains(w.Body.String(), "Set DASHBOARD_PASSWORD") {
				t.Errorf("%s: no word of how to get in: %s", name, w.Body)
			}
		}
	}
}

func TestWithAPassword(t *testing.T) {
	t.Parallel()
	const password = "correct horse"
	d := board(t, nowhere, func(o *dashboard.Options) { o.Password = password })
	for _, path := range paths {
		method, path, _ := strings.Cut(path, " ")
		for name, login := range map[string]func(r *http.Request){
			"nobody":       func(*http.Request) {},
			"nonsense":     func(r *http.Request) { r.Header.Set("Authorization", "Basic !") },
			"other scheme": func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+password) },
			"no password":  func(r *http.Request) { r.SetBasicAuth("ada", ""); r.RemoteAddr = "192.0.2.9:" + r.Method },
			"a longer one": func(r *http.Request) {
				r.SetBasicAuth("ada", password+"!")
				r.RemoteAddr = "192.0.2.8" + r.URL.Path + ":1"
			},
		} {
			r := local(t, method, path)
			login(r)
			w := answer(d, r)
			if w.Code != http.StatusUnauthorized && w.Code != http.StatusTooManyRequests {
				t.Errorf("%s %s: %s is answered %d", method, path, name, w.Code)
			}
			if w.Code == http.StatusUnauthorized && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s %s: no browser would ask for the password", method, path)
			}
			if strings.Contains(w.Body.String(), password) {
				t.Errorf("%s %s: the password is on the page", method, path)
			}
		}
	}
	r := local(t, http.MethodGet, "/contacts/x")
	r.RemoteAddr, r.Host = "192.0.2.1:1", "sync.example.org"
	r.SetBasicAuth("ada", password)
	if w := answer(d, r); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "Signed in as <b>ada</b>") {
		t.Errorf("with the password: %d\n%s", w.Code, w.Body)
	}
}

// What another program on this host sets as our cookies is not believed: cookies know
// no ports.
func TestForeignCookies(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	for _, password := range []string{"", "right"} {
		d := board(t, url, func(o *dashboard.Options) { o.Password = password })
		try := func(method, path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
			r := local(t, method, path)
			r.SetBasicAuth("ada", password)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			return answer(d, r)
		}
		forged := base64.RawURLEncoding.EncodeToString([]byte(`{"good":true,"text":"Send your key to us"}`))
		for _, value := range []string{forged, forged + "." + forged} {
			w := try(http.MethodGet, "/", &http.Cookie{Name: "contactsync-flash", Value: value})
			if strings.Contains(w.Body.String(), "Send your key") || w.Code != http.StatusOK {
				t.Errorf("a forged message: %d\n%s", w.Code, w.Body)
			}
		}
		done := try(http.MethodPost, "/pause")
		var flash *http.Cookie
		for _, c := range done.Result().Cookies() {
			if c.Name == "contactsync-flash" {
				flash = c
			}
		}
		if flash == nil || !flash.HttpOnly || flash.SameSite != http.SameSiteStrictMode {
			t.Fatalf("the message after an action: %d, %v", done.Code, flash)
		}
		foreign := &http.Cookie{Name: "contactsync-flash", Value: forged}
		if w := try(http.MethodGet, "/", foreign, flash); !strings.Contains(w.Body.String(), "Paused: nothing is sent") {
			t.Errorf("our own message beside a forged one is not shown:\n%s", w.Body)
		}
		try(http.MethodPost, "/resume")
	}
}

// What another site makes a browser send is refused, though the browser adds the
// password by itself.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	d := board(t, nowhere, nil)
	for _, path := range paths {
		method, path, _ := strings.Cut(path, " ")
		if method != http.MethodPost {
			continue
		}
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://example.org"} {
			r := local(t, method, path)
			r.Header.Set(name, value)
			if w := answer(d, r); w.Code != http.StatusForbidden {
				t.Errorf("%s %s with %s %s: %d", method, path, name, value, w.Code)
			}
		}
	}
}

// Every answer says what a browser may do with it: nothing from elsewhere, nothing
// inline, no frame.
func TestHeaders(t *testing.T) {
	t.Parallel()
	d := board(t, nowhere, nil)
	stranger := local(t, http.MethodGet, "/")
	stranger.RemoteAddr = "192.0.2.1:1"
	for _, r := range []*http.Request{
		local(t, http.MethodGet, "/"), local(t, http.MethodGet, "/nothing"), local(t, http.MethodPost, "/pause"), local(t, http.MethodGet, "/static/nothing"), stranger,
	} {
		w := answer(d, r)
		policy := w.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s %s: no %s in %q", r.Method, r.URL.Path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || w.Header().Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s %s: headers %v", r.Method, r.URL.Path, w.Header())
		}
		for _, inline := range []string{"style=", "onclick=", "<style", "javascript:", "<script>"} {
			if strings.Contains(w.Body.String(), inline) {
				t.Errorf("%s %s: %s in\n%s", r.Method, r.URL.Path, inline, w.Body)
			}
		}
	}
}

// Without the database there is a page all the same, which says so.
func TestNoDatabase(t *testing.T) {
	t.Parallel()
	d := board(t, nowhere, nil)
	for _, path := range []string{"/", "/contacts", "/failures", "/contacts/00000000-0000-4000-8000-000000000001"} {
		w := answer(d, local(t, http.MethodGet, path))
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "The database cannot be reached") || w.Header().Get("Refresh") == "" {
			t.Errorf("%s: %d %v\n%s", path, w.Code, w.Header(), w.Body)
		}
		if strings.Contains(w.Body.String(), "127.0.0.1:1") {
			t.Errorf("%s tells where the database is:\n%s", path, w.Body)
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	d := board(t, nowhere, func(o *dashboard.Options) { o.ReadOnly = true })
	for _, path := range paths {
		method, path, _ := strings.Cut(path, " ")
		if method == http.MethodGet && path != "/pause" && path != "/contacts/x/skip" {
			continue
		}
		if w := answer(d, local(t, method, path)); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "DASHBOARD_READ_ONLY") {
			t.Errorf("%s %s: %d", method, path, w.Code)
		}
	}
}

// A pause that has no words of ours is told in HubSpot's, which may repeat an email.
func TestEmailsAreHiddenInTheSentence(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url, `INSERT INTO contactsync.slots (destination, slot, instance, since, pause_code, pause_reason, pause_since)
		VALUES ('hubspot', 0, 'one', now(), 'BAD_RESPONSE', 'no HubSpot: ada@example.org', now())`)
	if _, err := pgtest.Connect(t, url).Exec(t.Context(), `SELECT pg_advisory_lock($1, $2)`, destination.LockClass, hubspot.Info.SlotLock(0)); err != nil {
		t.Fatal(err)
	}
	d := board(t, url, func(o *dashboard.Options) { o.HideEmails = true })
	body := answer(d, local(t, http.MethodGet, "/")).Body.String()
	if !strings.Contains(body, "Paused: no HubSpot: a***@example.org") || strings.Contains(body, "ada@") {
		t.Errorf("the first page says %s", body)
	}
}
