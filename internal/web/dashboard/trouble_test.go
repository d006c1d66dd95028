package dashboard_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// Somebody who is woken finds the cause on the first page, or one click away, and
// what to do beside it.
func TestTroubleIsExplained(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim = hubspotsim.New(hubspotsim.Options{Token: progtest.GoodKey, Bare: true})
	in.API = progtest.ServeHubSpot(t, in.Sim, in.Sim)
	url, _ := address(in)
	in.AwaitAsleep()
	b := openBrowser(t)

	b.open(url) // a property is missing
	in.Queue(1)
	b.await(".sentence", "Paused: a property is missing in HubSpot")
	b.await(".hero", "PROPERTY_MISSING")
	b.await(".hero", "Run contactsync setup")
	b.await("#pulse", "Trouble")
	b.await(`.hero a[href="/checks"]`, "Look everything over")

	in.Exec(`DROP TRIGGER zz_contactsync_requeue ON contacts`) // somebody drops a trigger
	b.press(`nav a[href="/checks"]`)
	b.await(".sentence", "checks failed")
	for _, says := range []string{"zz_contactsync_requeue", "contactsync migrate up", "HubSpot has no property scrapersky_domain_id", "run contactsync setup"} {
		if text := b.text("main"); !strings.Contains(text, says) {
			t.Errorf("the checks do not say %q:\n%s", says, text)
		}
	}
	b.quiet()
}

// A wrong key pauses, which the first page says, and what to do about it.
func TestWrongKeyIsExplained(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	url, _ := address(in, "HUBSPOT_API_KEY=pat-eu1-wrong-key")
	in.AwaitAsleep()
	b := openBrowser(t)
	b.open(url)
	in.Queue(1)
	b.await(".sentence", "Paused: HubSpot says the key is wrong, since ")
	b.await(".sentence", "next probe in")
	b.await(".hero", "Put a valid key into HUBSPOT_API_KEY")
	b.press(`nav a[href="/failures"]`)
	b.await(".kind", "UNAUTHORIZED")
	b.await(".kind", "1 will be tried again")
	for _, path := range []string{"/", "/contacts", "/failures", "/checks"} {
		b.open(url + path)
		if html := try(b, chromedp.Evaluate[string]("document.documentElement.outerHTML")); strings.Contains(html, "wrong-key") {
			t.Errorf("%s shows the key", path)
		}
	}
	b.quiet()
}

// Where emails are hidden in the log they are hidden on every page, also in
// HubSpot's words.
func TestHiddenEmails(t *testing.T) {
	t.Parallel()
	in := scene(t)
	url, _ := address(in, "LOG_REDACT_EMAILS=true")
	in.AwaitAsleep()
	failed := in.Ask(`SELECT id::text FROM contacts WHERE email = 'contact61@example'`)
	odd := in.Ask(`SELECT id::text FROM contacts WHERE email = 'not-an-address'`)
	b := openBrowser(t)
	for _, path := range []string{"/", "/contacts", "/contacts?status=Error", "/failures", "/contacts/" + failed, "/contacts/" + odd, "/contacts/" + failed + "/skip", "/contacts?q=Contact+61"} {
		b.open(url + path)
		html := try(b, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
		for _, email := range []string{"contact61@", "not-an-address", "contact64@", "contact17@"} {
			if strings.Contains(html, email) {
				t.Errorf("%s shows %s:\n%s", path, email, b.text("main"))
			}
		}
	}
	if text := b.text("main"); !strings.Contains(text, "c***@example") {
		t.Errorf("too much is hidden:\n%s", text)
	}
	b.quiet()
}
