package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// said is everything an installation told anybody, by who told it.
type said map[string]string

// mustNotHold fails for whoever told one of the words.
func (s said) mustNotHold(t *testing.T, words ...string) {
	t.Helper()
	for who, text := range s {
		for _, word := range words {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(word)); at >= 0 {
				t.Errorf("%s tells %q: ...%s...", who, word, text[max(0, at-200):min(len(text), at+200)])
			}
		}
	}
}

// tables adds every row of every table that contactsync writes to, as text, and
// what the server shows of its sessions.
func (s said) tables(in *progtest.Installation) {
	in.Helper()
	rows, err := in.App.Query(in.Context(), `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname = 'contactsync' OR tablename = 'contacts' UNION ALL VALUES ('pg_stat_activity')`)
	if err != nil {
		in.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 7 {
		in.Fatal(tables, err)
	}
	for _, table := range tables {
		s["table "+table] = in.Ask(`SELECT string_agg(x::text, E'\n') FROM ` + table + ` x`)
	}
}

// trap is another host that takes what it is sent.
type trap struct {
	*httptest.Server
	got chan string // a request each
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	tr := &trap{got: make(chan string, 100)}
	tr.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		tr.got <- fmt.Sprintln(r.Method, r.URL, r.Header, string(body))
	}))
	t.Cleanup(tr.Close)
	return tr
}

// Whatever happens, and even if the answers repeat them, the key and the
// database's password are nowhere but in the environment of the process.
func TestTheTokenIsNowhere(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	elsewhere := newTrap(t)
	token := "pat-eu1-" + rand.Text()
	in.Sim.SetToken(token)
	at, err := url.Parse(in.Worker)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	everything := said{}
	env := in.Env("HUBSPOT_API_KEY="+token, "LOG_LEVEL=debug", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=100ms", "HUBSPOT_TIMEOUT=1s", "DASHBOARD_PASSWORD="+password)

	echo := fmt.Sprintf(`{"status":"error","message":"%s","category":"%[1]s","correlationId":"%[1]s","errors":[{"message":"key %[1]s","code":"INVALID_EMAIL"}]}`, token)
	const upsert = "batch/upsert"
	for name, fault := range map[string]hubspotsim.Fault{
		"400":       {Path: upsert, Status: 400, Body: echo},
		"401":       {Path: upsert, Status: 401, Body: echo},
		"403":       {Path: upsert, Status: 403, Body: echo},
		"429":       {Path: upsert, Status: 429, Body: echo, Header: map[string]string{"Retry-After": "1"}, Times: 1},
		"500":       {Path: upsert, Status: 500, Body: echo, Header: map[string]string{"X-HubSpot-Correlation-Id": token}},
		"not JSON":  {Path: upsert, Mode: hubspotsim.NotJSON, Body: "<html>" + token},
		"redirect":  {Mode: hubspotsim.Redirect, URL: elsewhere.URL + "/" + token},
		"see other": {Mode: hubspotsim.Redirect, Status: 302, URL: elsewhere.URL},
		"cut":       {Path: upsert, Mode: hubspotsim.Cut},
		"truncated": {Path: upsert, Mode: hubspotsim.Truncate},
	} {
		in.Sim.ClearFaults()
		in.Sim.Inject(fault)
		in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status)
			SELECT 'c' || i || '-' || md5($1) || '@example.org', 'Name', 'Queued' FROM generate_series(1, 12) i`, name)
		out, errs, _ := in.Command(env, "run", "--once")
		everything["run --once with "+name] = out + errs
		out, errs, code := in.Command(env, "sync", "c1-unknown@example.org", in.Ask(`SELECT id::text FROM contacts LIMIT 1`))
		everything["sync with "+name] = fmt.Sprint(out, errs, code)
	}

	// A busy process, its HTTP answers, what the system shows of it, and its end.
	in.Sim.ClearFaults()
	in.Sim.Inject(hubspotsim.Fault{Path: upsert, Mode: hubspotsim.Cut, Times: 2})
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
	for signal, traceback := range map[syscall.Signal]string{syscall.SIGQUIT: "all", syscall.SIGABRT: "system"} {
		p := in.Start(append(env, "GOTRACEBACK="+traceback), "run")
		addr, _ := p.Wait("serving HTTP", 1)[0]["addr"].(string)
		p.Wait("leading", 1)
		in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IN ('Queued', 'Processing')`)
		for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/debug/pprof/cmdline", "/no/such/page"} {
			everything["GET "+path] = answerOf(t, "http://"+addr+path)
		}
		for _, file := range []string{"cmdline", "comm", "status"} { // what ps and top show
			content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.Cmd.Process.Pid, file))
			if err != nil && !os.IsNotExist(err) { // not every system has it
				t.Fatal(err)
			}
			everything["/proc: "+file] = string(content)
		}
		for _, args := range []string{"status", "status --json", "queue c1@example.org", "retry --all", "migrate status", "version"} {
			out, errs, _ := in.Command(env, strings.Fields(args)...)
			everything[args] = out + errs
		}
		everything.tables(in)
		p.Signal(signal)
		p.End()
		log := strings.Join(p.Log(), "\n")
		if !strings.Contains(log, "goroutine ") {
			t.Errorf("%v: the test is void: no goroutines in the log:\n%s", signal, p.Tail())
		}
		everything["log ended by "+signal.String()] = log
	}

	// Settings that cannot be used, and a server that refuses them.
	for name, setting := range map[string]string{
		"password":  "DATABASE_URL=" + strings.Replace(in.Worker, "://", "://x", 1),
		"host":      "DATABASE_URL=postgres://u:" + password + "@no-such-host.invalid/db",
		"URL":       "DATABASE_URL=postgres://u:" + password + "@[bad",
		"words":     "DATABASE_URL=host=127.0.0.1 port=x password=" + password,
		"quotes":    "HUBSPOT_API_KEY='" + token + "'",
		"base URL":  "HUBSPOT_API_BASE_URL=https://me:" + token + "@api.example.org",
		"query":     "HUBSPOT_API_BASE_URL=https://api.example.org/?key=" + token,
		"portal":    "HUBSPOT_PORTAL_ID=" + token,
		"misplaced": "HTTP_ADDR=" + token,
	} {
		out, errs, code := in.Command(append(env, setting), "status")
		if strings.HasPrefix(setting, "HUBSPOT") || strings.HasPrefix(setting, "HTTP") {
			out, errs, code = in.Command(append(env, setting), "run", "--once")
		}
		if code == 0 {
			t.Errorf("bad %s is taken", name)
		}
		everything["bad "+name] = out + errs
	}

	everything.mustNotHold(t, token, token[len("pat-eu1-"):][:12], password, url.QueryEscape(token))
	select {
	case got := <-elsewhere.got:
		t.Errorf("a redirect was followed: %s", got)
	default:
	}
	if n := len(everything); n < 40 {
		t.Errorf("only %d voices were heard", n)
	}
}

func answerOf(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if err := res.Header.Write(&text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&text, res.Body); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// With LOG_REDACT_EMAILS no line has an email, its local part or the name that
// somebody wrote before it, however the rows are refused.
func TestNoEmailIsLogged(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			in.Sim.Put("other@example.org", nil)
			if err := in.Sim.Conflict("zebulon.quagmire+conflict@example.org", "other@example.org"); err != nil {
				t.Fatal(err)
			}
			// The database itself refuses some rows, and says whose.
			in.Exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				RAISE EXCEPTION 'zebulon.quagmire is not to be touched, nor is %', NEW.email; END $$`)
			in.Exec(`CREATE TRIGGER refuse BEFORE UPDATE ON contacts FOR EACH ROW
				WHEN (NEW.name = 'refused' AND NEW.hubspot_processing_status = 'Processing') EXECUTE FUNCTION refuse()`)
			in.Exec(`CREATE TRIGGER unsettled BEFORE UPDATE ON contacts FOR EACH ROW
				WHEN (NEW.name = 'unsettled' AND NEW.hubspot_processing_status = 'Complete') EXECUTE FUNCTION refuse()`)
			for _, row := range [][2]string{
				{"zebulon.quagmire@example.org", "Good"},
				{"Zebulon.Quagmire@Example.org ", "Folded"},
				{"zebulon.quagmire+conflict@example.org", "Conflict"},
				{"zebulon.quagmire", "No at"},
				{"ZEBULON QUAGMIRE", "A name"},
				{`"Zebulon Quagmire" <zebulon.quagmire@example.org>`, "Display"},
				{"Zebulon Quagmire <zebulon.quagmire@example.org>", "Display without quotes"},
				{`"zebulon quagmire"@example.org`, "Quoted"},
				{"zebulon quagmire@example.org", "Blank"},
				{"zebulon.quagmire@@example.org", "Twice"},
				{"zebulon\x07quagmire@example.org", "Control"},
				{"zebulon.quagmire+r@example.org", "refused"},
				{"zebulon.quagmire+u@example.org", "unsettled"},
			} {
				in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ($1, $2, 'Queued')`, row[0], row[1])
			}
			for _, fault := range []hubspotsim.Fault{
				{Path: "batch/upsert", Status: 500, Body: `{"message":"zebulon.quagmire@example.org broke it"}`, Times: 1},
				{Path: "batch/upsert", Status: 400, Body: `{"message":"Zebulon Quagmire <zebulon.quagmire@example.org> in a batch","category":"VALIDATION_ERROR"}`, Times: 1},
				{Path: "batch/upsert", Mode: hubspotsim.Cut, Times: 1},
			} {
				in.Sim.Inject(fault)
			}
			env := in.Env("LOG_FORMAT="+format, "LOG_LEVEL=debug", "LOG_REDACT_EMAILS=true",
				"HUBSPOT_SYNC_RETRY_DELAY_MINUTES=100ms", "HUBSPOT_TIMEOUT=1s") // a doubt lasts that long
			everything := said{}
			out, errs, _ := in.Command(env, "run", "--once")
			everything["run --once"] = out + errs
			p := in.Start(env, "run")
			// Those whom the database refuses are either in Error or stay as they are.
			in.Await("0", `SELECT count(*)::text FROM contacts WHERE name NOT IN ('refused', 'unsettled') AND hubspot_processing_status IN ('Queued', 'Processing')`)
			// By now no fault is left for HubSpot to refuse this one before the database does.
			in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('zebulon.quagmire+u2@example.org', 'unsettled', 'Queued')`)
			in.Await("2", `SELECT count(*)::text FROM contacts WHERE name = 'unsettled' AND hubspot_processing_status = 'Error'`)
			out, errs, _ = in.Command(env, "sync", in.Ask(`SELECT id::text FROM contacts WHERE name = 'Display'`), in.Ask(`SELECT id::text FROM contacts WHERE name = 'A name'`))
			everything["sync"] = out + errs
			out, errs, _ = in.Command(env, "status")
			everything["status"] = out + errs
			p.Stop()
			everything["run"] = strings.Join(p.Log(), "\n")
			if !strings.Contains(everything["run"], "database refuses the outcome of a contact") {
				t.Error("the test is void: the database refused no outcome")
			}
			if n := in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_error ILIKE '%quagmire%'`); n == "0" {
				t.Error("the test is void: no refusal repeats an email")
			}
			everything.mustNotHold(t, "zebulon", "quagmire")
			if !strings.Contains(everything["run"]+everything["run --once"], "z***@example.org") {
				t.Errorf("no email is logged at all:\n%s", p.Tail())
			}
		})
	}
}
