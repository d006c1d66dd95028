package dashboard_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// Every page is shown whole: at a desk and on a phone, light and dark, with a name
// for everything that can be pressed, and nothing that the browser complains about.
func TestPages(t *testing.T) {
	t.Parallel()
	in := scene(t)
	url, _ := address(in)
	in.AwaitAsleep()
	failed := in.Ask(`SELECT id::text FROM contacts WHERE email = 'contact66@example.org'`)
	b := openBrowser(t)
	for path, says := range map[string][]string{
		"/":                             {"6 contacts are in Error", "Processes", "leader", "99.", "operator retry 214 contacts · SERVER_ERROR", "HubSpot maintenance"},
		"/contacts":                     {"@example.org", "Later →"},
		"/contacts?status=Error":        {"contact64@example.org", "6 in all", "INVALID_VALUE", "lifecyclestage"},
		"/contacts?q=contact17":         {"contact17@example.org"},
		"/contacts?q=nobody":            {"No contact like that."},
		"/contacts/" + failed:           {"contact66@example.org", "Attempt 4 failed", "503 Service Unavailable", "firstname", "Contact", "correlation id", "Retry", "Skip"},
		"/failures":                     {"NO_EMAIL", "Give the row an email", "2 in Error", "will be tried again", "The last failed attempts"},
		"/contacts/" + failed + "/skip": {"It leaves the queue"},
		"/failures/NO_EMAIL/retry":      {"Retry all contacts in Error with NO_EMAIL?"},
		"/pause":                        {"Every replica stops"},
	} {
		for _, w := range []struct {
			width  int64
			scheme string
		}{{1280, "light"}, {375, "dark"}} {
			b.look(w.width, 900, 1, w.scheme)
			if status := b.open(url + path); status != 200 {
				t.Errorf("%s is answered %d", path, status)
			}
			text := b.text("body")
			for _, says := range says {
				if !strings.Contains(text, says) {
					t.Errorf("%s at %d does not say %q:\n%s", path, w.width, says, text)
				}
			}
			if wide := try(b, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); wide > w.width {
				t.Errorf("%s is %d wide at %d", path, wide, w.width)
			}
			if nameless := try(b, chromedp.Evaluate[string](`[...document.querySelectorAll("a, button, input:not([type=hidden]), svg[role=img]")].filter(e =>
				!(e.innerText || e.textContent || "").trim() && !e.ariaLabel && !e.labels?.length).map(e => e.outerHTML).join("\n")`)); nameless != "" {
				t.Errorf("%s: nobody who does not see it knows what this is:\n%s", path, nameless)
			}
		}
	}
	b.quiet()
	b.mayMiss = true
	for path, says := range map[string]string{"/nothing": "There is no such page", "/contacts/nonsense": "There is no such contact"} {
		if status := b.open(url + path); status != 404 || !strings.Contains(b.text("body"), says) {
			t.Errorf("%s is answered %d", path, status)
		}
	}
	b.quiet()
}

// What happens in the database is on the page a moment later, which is the same
// page all the while; and the end of the process is told.
func TestLive(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	url, process := address(in)
	in.AwaitAsleep()
	b := openBrowser(t)
	b.open(url)
	b.await(".sentence", "Healthy")
	try(b, chromedp.Evaluate[int]("window.same = 1"))
	in.Queue(3)
	b.await("#tiles", "Synced, last hour\n3")
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('nonsense', 'Bad', 'Queued')`)
	b.await(".sentence", "1 contact is in Error")
	b.await("#pulse", "Needs a person")
	b.await("#cycles", "ms")
	if same := try(b, chromedp.Evaluate[bool]("window.same === 1")); !same {
		t.Error("the page was loaded again")
	}
	b.quiet()

	// A contact's own page follows it.
	b.open(url + "/contacts?status=Error")
	b.press(".list a")
	b.await(".sentence", "Error")
	try(b, chromedp.Evaluate[int]("window.same = 1"))
	in.Exec(`UPDATE contacts SET email = 'mended@example.org', hubspot_processing_status = 'Queued' WHERE email = 'nonsense'`)
	b.await(".sentence", "In HubSpot")
	b.await("h1", "mended@example.org")
	if same := try(b, chromedp.Evaluate[bool]("window.same === 1")); !same {
		t.Error("the page was loaded again")
	}
	b.quiet()
	b.mayMiss = true // the stream breaks
	if code := process.Stop(); code != 0 {
		t.Errorf("exit code %d with a browser looking", code)
	}
}

// Each button asks first, does what it says, is recorded with who and when, and
// says what became of it.
func TestButtons(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	url, _ := address(in)
	in.AwaitAsleep()
	in.Exec(`SET contactsync.worker = 'on'`)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, hubspot_processing_error)
		SELECT 'e' || i || '@example.org', 'E ' || i, 'Error', 'Error', 'TIMEOUT', 'slow' FROM generate_series(1, 5) i`)
	in.Exec(`INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status, next_retry_at) VALUES ('later@example.org', 'Queued', 'Queued', now() + interval '1 hour')`)
	in.Exec(`SET contactsync.worker = 'off'`)
	page := func(email string) string {
		return url + "/contacts/" + in.Ask(`SELECT id::text FROM contacts WHERE email = $1`, email)
	}
	state := func(email string) string {
		return fmt.Sprintf(`SELECT concat_ws('/', hubspot_sync_status, hubspot_processing_status) FROM contacts WHERE email = '%s'`, email)
	}
	b := openBrowser(t)
	// press opens the dialog of a button, checks what it asks, and confirms.
	press := func(button, asks string) {
		t.Helper()
		b.click(button)
		b.await("dialog[open] h1", asks)
		b.press("dialog[open] button.main")
	}

	b.open(page("e1@example.org"))
	press(`a[href$="/retry"]`, "Retry e1@example.org?")
	b.await(".notice", "It is in the queue again")
	in.Await("Complete/Complete", state("e1@example.org"))
	b.await(".sentence", "In HubSpot")
	b.await(".story", "loopback retried it")

	b.open(page("later@example.org"))
	press(`a[href$="/send-now"]`, "Send later@example.org now?")
	in.Await("Complete/Complete", state("later@example.org"))

	b.open(page("e2@example.org"))
	press(`a[href$="/skip"]`, "Skip e2@example.org?")
	b.await(".notice", "It is skipped.")
	if got := in.Ask(state("e2@example.org")); got != "Skipped" {
		t.Errorf("skipped: %s", got)
	}

	b.open(url + "/failures")
	press(`a[href="/failures/TIMEOUT/retry"]`, "Retry all contacts in Error with TIMEOUT?")
	b.await(".notice", "3 contacts with TIMEOUT are in the queue again.")
	in.Await("5", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)

	b.open(url)
	b.click(`a[href="/pause"]`)
	b.await("dialog[open] h1", "Pause the sync?")
	b.do(chromedp.SendKeys(chromedp.CSS("dialog #reason"), "HubSpot is being moved"))
	b.press("dialog[open] button.main")
	b.await(".sentence", "Paused by loopback since")
	b.await(".sentence", "HubSpot is being moved")
	in.Queue(1)
	b.await("#tiles", "Due now\n1")
	press(`a[href="/resume"]`, "Resume the sync?")
	b.await(".notice", "Resumed")
	in.Await("Complete/Complete", state("c1@example.org"))

	want := "retry loopback dashboard, send-now loopback dashboard, skip loopback dashboard, retry loopback dashboard TIMEOUT 3, pause loopback dashboard HubSpot is being moved, resume loopback dashboard"
	got := in.Ask(`SELECT string_agg(concat_ws(' ', action, who, via, nullif(detail, ''), nullif(rows, CASE WHEN contact_id IS NULL THEN 0 ELSE 1 END)), ', ' ORDER BY id) FROM contactsync.actions`)
	if got != want {
		t.Errorf("recorded\n%s\nwant\n%s", got, want)
	}
	// A dialog that is called off does nothing.
	b.click(`a[href="/pause"]`)
	b.await("dialog[open] h1", "Pause the sync?")
	b.click("dialog [data-close]")
	if open := try(b, chromedp.Evaluate[bool]("document.querySelector('dialog').open")); open {
		t.Error("the dialog stays")
	}
	b.quiet()
}

// Without scripts every page and button works as well.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: 503, Times: 1})
	url, _ := address(in)
	in.AwaitAsleep()
	in.Queue(1)
	in.Await("1", `SELECT count(*)::text FROM contacts WHERE next_retry_at IS NOT NULL`)
	b := openBrowser(t)
	b.withoutScripts()
	b.open(url)
	if text := b.text("body"); !strings.Contains(text, "Waiting for retries") {
		t.Errorf("the overview says\n%s", text)
	}
	b.press(`nav a[href="/contacts"]`)
	b.press(".list a")
	b.press(`a[href$="/send-now"]`)
	if text := b.text("main"); !strings.Contains(text, "Send c1@example.org now?") {
		t.Errorf("no page asks:\n%s", text)
	}
	b.press("form.confirm button")
	if text := b.text("main"); !strings.Contains(text, "It is in the queue and goes to HubSpot now.") {
		t.Errorf("no word of what became of it:\n%s", text)
	}
	in.Await("1 Complete/Complete", progtest.Counts)
	b.press(`a[href="/"]`)
	b.press(`a[href="/pause"]`)
	b.press("form.confirm button")
	if text := b.text("main"); !strings.Contains(text, "Paused by loopback") {
		t.Errorf("not paused:\n%s", text)
	}
	if refresh := b.text("noscript"); !strings.Contains(refresh, `http-equiv="refresh"`) && try(b, chromedp.Evaluate[int]("document.querySelectorAll('meta[http-equiv=refresh]').length")) != 1 {
		t.Errorf("the page does not ask again by itself: %s", refresh)
	}
	b.quiet()
}

// With a password the browser is asked for it, and what is done carries the name.
func TestSignIn(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	url, process := address(in, "DASHBOARD_PASSWORD=open sesame", "HUBSPOT_API_KEY=")
	b := openBrowser(t)
	b.mayMiss = true
	// A browser without a window cannot ask: it says so.
	if _, err := chromedp.Run(b.ctx, chromedp.NavigateResponse(url)); err == nil || !strings.Contains(err.Error(), "INVALID_AUTH") {
		t.Errorf("the browser does not ask for a password: %v", err)
	}
	b.signIn("operator", "open sesame")
	if status := b.open(url); status != 200 || !strings.Contains(b.text("footer"), "Signed in as operator") {
		t.Errorf("answered %d\n%s", status, b.text("body"))
	}
	if text := b.text("main"); !strings.Contains(text, "This process has no HUBSPOT_API_KEY") || !strings.Contains(text, "Nobody leads") {
		t.Errorf("a process without a key says\n%s", text)
	}
	b.click(`a[href="/pause"]`)
	b.await("dialog[open] h1", "Pause the sync?")
	b.press("dialog[open] button.main")
	b.await(".sentence", "Paused by operator")
	b.quiet()
	if log := strings.Join(process.Log(), "\n"); strings.Contains(log, "sesame") {
		t.Errorf("the password is in the log:\n%s", log)
	}
}
