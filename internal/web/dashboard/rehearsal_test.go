package dashboard_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// house is an installation with two replicas, and a person who walks through it
// from the trouble to its end, counting.
type house struct {
	*progtest.Installation
	b        *tab
	url      string // of a replica's pages
	replicas []*progtest.Process
	clicks   int
	commands int
	queued   int
}

// restart ends what runs and starts two replicas with these settings over the
// usual ones.
func (h *house) restart(env ...string) {
	h.Helper()
	for _, p := range h.replicas {
		p.Stop()
	}
	h.replicas = nil
	for range 2 {
		url, p := address(h.Installation, env...)
		h.url = url
		h.replicas = append(h.replicas, p)
	}
}

// settle waits until nothing but a notification makes the leader look at the queue:
// it has proven that they arrive, for which it wakes by itself, and sleeps again.
func (h *house) settle() {
	h.Helper()
	leader := h.Leader()
	for _, p := range h.replicas {
		if p.Is(leader) {
			p.Wait("notifications arrive", 1)
		}
	}
	h.queue()
	h.repaired()
	h.AwaitAsleep()
}

// queue puts one more contact into the queue.
func (h *house) queue() {
	h.Helper()
	h.queued++
	h.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('contact' || $1::int || '@example.org', 'Contact ' || $1::int, 'Queued')`, h.queued)
}

// repaired waits until everything is in HubSpot. The tick is an hour away.
func (h *house) repaired() {
	h.Helper()
	h.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IS DISTINCT FROM 'Complete'`)
}

// see opens the first page, and waits for its sentence. Where much else runs the
// page may say first that the database is slow; then a person opens it again.
func (h *house) see(says string) {
	h.Helper()
	for end := time.Now().Add(progtest.Patience); h.b.open(h.url) != http.StatusOK && time.Now().Before(end); {
		h.Log("the first page is not to be had yet")
	}
	h.b.await(".sentence", says)
}

// click clicks on something and waits for the page that comes.
func (h *house) click(selector string) { h.Helper(); h.clicks++; h.b.press(selector) }

// ask clicks on a button that asks for a confirmation, and confirms.
func (h *house) ask(button string) {
	h.Helper()
	h.clicks += 2
	h.b.click(button)
	h.b.await("dialog[open] h1", "?")
	h.b.press("dialog[open] button.main")
}

// command runs a command and checks what it says, on whichever stream.
func (h *house) command(line string, says ...string) {
	h.Helper()
	h.with(nil, line, says...)
}

func (h *house) with(env []string, line string, says ...string) {
	h.Helper()
	h.commands++
	out, errs, _ := h.Command(h.Env(env...), strings.Fields(line)...)
	for _, s := range says {
		if !strings.Contains(out+errs, s) {
			h.Errorf("contactsync %s does not say %q:\n%s%s", line, s, out, errs)
		}
	}
}

// picture takes one for docs/img, where make screenshots asks for it.
func (h *house) picture(name string) {
	h.Helper()
	if dir := os.Getenv("CONTACTSYNC_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), small(h.b.T, try(h.b, chromedp.CaptureScreenshot())), 0o644); err != nil {
			h.Fatal(err)
		}
	}
}

// breakages are those of docs/rehearsals.md, by the first word of their rows: how
// each comes about, and the ways from there to the repair.
var breakages = []struct {
	name                string
	says                string // what is seen first
	begin               func(h *house)
	dashboard, terminal func(h *house, says string)
}{
	{
		"A trigger was dropped", "nothing woke the leader: as a rule a trigger is missing",
		func(h *house) {
			h.settle()
			h.Exec(`DROP TRIGGER contactsync_doorbell_insert ON contacts`)
			h.queue()
		},
		func(h *house, says string) {
			h.see(says)
			h.picture("rehearsal-asleep")
			h.click(`.hero a[href="/checks"]`)
			h.b.await("main", "missing: contactsync_doorbell_insert")
			h.b.await("main", "run contactsync migrate up")
			h.AsOwner().Must("migrate", "up")
			h.repaired()
		},
		func(h *house, says string) {
			h.Await("t", `SELECT CASE WHEN oldest_due_seconds > 5 THEN 't' END FROM contactsync.status`)
			h.command("status", says)
			h.command("doctor", "missing: contactsync_doorbell_insert", "run `contactsync migrate up`")
			owner := *h
			owner.Installation = h.AsOwner()
			owner.command("migrate up", "applied triggers")
			h.commands = owner.commands
			h.repaired()
		},
	},
	{
		"The key is wrong", "Paused: HubSpot says the key is wrong",
		func(h *house) {
			h.AwaitAsleep()
			h.Sim.SetToken("pat-eu1-new-key")
			h.queue()
		},
		func(h *house, says string) {
			h.see(says)
			h.b.await(".hero", "Put a valid key into HUBSPOT_API_KEY and restart")
			h.picture("rehearsal-key")
			h.restart("HUBSPOT_API_KEY=pat-eu1-new-key")
			h.repaired()
		},
		func(h *house, says string) {
			h.restart() // with the old key, which is refused now
			h.queue()
			h.Await("UNAUTHORIZED", `SELECT coalesce(min(pause_code), '') FROM contactsync.slots`)
			h.command("status", says, "set HUBSPOT_API_KEY to a valid one and restart")
			h.restart("HUBSPOT_API_KEY=pat-eu1-new-key")
			h.repaired()
		},
	},
	{
		"A property is missing", "Paused: a property is missing in HubSpot",
		func(h *house) {
			h.AwaitAsleep()
			h.Sim.RemoveProperty("scrapersky_sync_date")
			h.queue()
		},
		func(h *house, says string) {
			h.see(says)
			h.b.await(".hero", "scrapersky_sync_date")
			h.b.await(".hero", "Run contactsync setup")
			h.Must("setup")
			h.restart() // the next probe may be half a minute away
			h.repaired()
		},
		func(h *house, says string) {
			h.Await("PROPERTY_MISSING", `SELECT coalesce(min(pause_code), '') FROM contactsync.slots`)
			h.command("status", says, "scrapersky_sync_date", "contactsync setup")
			h.command("setup", "scrapersky_sync_date")
			h.restart()
			h.repaired()
		},
	},
	{
		"The URL leads through a pooler", "Nobody leads: 1 contact waits",
		func(h *house) {
			h.AwaitAsleep()
			for _, p := range h.replicas {
				p.Stop()
			}
			h.replicas = nil
			h.queue()
		},
		func(h *house, _ string) { // there is no page, but the end of the log
			pooled := "DATABASE_URL=" + netproxy.NewPooler(h.TB, h.Worker, netproxy.Transaction).URL()
			p := h.Start(h.Env(pooled), "run")
			if code := p.End(); code != 1 || !strings.Contains(p.Tail(), "set DATABASE_DIRECT_URL to the database itself") {
				h.Errorf("exit code %d\n%s", code, p.Tail())
			}
			h.restart(pooled, "DATABASE_DIRECT_URL="+h.Worker)
			h.repaired()
		},
		func(h *house, says string) {
			pooled := "DATABASE_URL=" + netproxy.NewPooler(h.TB, h.Worker, netproxy.Transaction).URL()
			h.with([]string{pooled}, "status", says)
			h.with([]string{pooled}, "doctor", "a pooler in transaction mode is in the way", "set DATABASE_DIRECT_URL to the database itself")
			h.restart(pooled, "DATABASE_DIRECT_URL="+h.Worker)
			h.repaired()
		},
	},
	{
		"Poison contacts", "2 contacts are in Error and need a person",
		func(h *house) {
			h.AwaitAsleep()
			h.queue()
			h.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('contact31', 'Contact 31', 'Queued'), ('contact32@example', 'Contact 32', 'Queued')`)
			h.Await("2", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Error'`)
		},
		func(h *house, says string) {
			h.see(says)
			h.click(`.hero a[href="/failures"]`)
			h.b.await(".kind", "refused by HubSpot: Email address contact3")
			h.b.await(".kind", "Correct the email in the row and retry it, or skip it")
			h.picture("rehearsal-poison")
			h.correct()
			h.ask(`a[href="/failures/INVALID_EMAIL/retry"]`)
			h.b.await(".notice", "2 contacts with INVALID_EMAIL are in the queue again")
			h.repaired()
			h.Exec(`DELETE FROM contacts WHERE name LIKE 'Contact 3_'`)
		},
		func(h *house, says string) {
			h.command("status", says, "INVALID_EMAIL", "refused by HubSpot: Email address contact3")
			h.command("plan --status Error", "contact31", "contact32@example")
			h.correct()
			h.command("retry --code INVALID_EMAIL", "2")
			h.repaired()
		},
	},
	{
		"Somebody paused it", "Paused by operator since",
		func(h *house) {
			h.AwaitAsleep()
			h.Must("pause", "--reason", "the names are being corrected", "--as", "operator")
			h.queue()
		},
		func(h *house, says string) {
			h.see(says)
			h.b.await(".sentence", "the names are being corrected")
			h.ask(`a[href="/resume"]`)
			h.repaired()
		},
		func(h *house, says string) {
			h.command("status", says, "the names are being corrected", "`contactsync resume` goes on")
			h.command("resume", "Resumed")
			h.repaired()
		},
	},
	{
		"No process leads", "Nobody leads: 1 contact waits, and no process syncs. Start",
		func(h *house) {
			h.restart("HUBSPOT_API_KEY=")
			h.queue()
		},
		func(h *house, says string) {
			h.see(says)
			h.b.await("main", "This process has no HUBSPOT_API_KEY")
			h.restart()
			h.repaired()
		},
		func(h *house, says string) {
			h.command("status", says, "`contactsync run` with a HUBSPOT_API_KEY")
			h.restart()
			h.repaired()
		},
	},
}

// correct is what the app or a person with psql does to rows that HubSpot refuses.
func (h *house) correct() {
	h.Helper()
	h.Exec(`UPDATE contacts SET email = split_part(email, '@', 1) || '@example.org' WHERE hubspot_processing_status = 'Error'`)
}

// Each breakage is found and repaired twice, with the dashboard alone and with the
// terminal alone, in as many clicks and commands as docs/rehearsals.md says.
func TestRehearsals(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/rehearsals.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^\| \*\*(.+?)\*\*.*$`).FindAllStringSubmatch(string(text), -1) {
		rows[match[1]] = match[0]
	}
	if len(rows) != len(breakages) {
		t.Errorf("%d breakages are rehearsed, and docs/rehearsals.md has %d", len(breakages), len(rows))
	}
	b := openBrowser(t)
	b.mayMiss = true // replicas end while the browser looks
	b.look(1280, 520, 1, "light")
	for _, c := range breakages { //nolint:paralleltest // one after the other, in one window
		t.Run(c.name, func(t *testing.T) {
			h := &house{Installation: progtest.Install(t), b: b}
			h.restart()
			c.begin(h)
			c.dashboard(h, c.says)
			c.begin(h)
			c.terminal(h, c.says)
			for _, want := range []string{c.says, some(h.clicks, "click"), some(h.commands, "command")} {
				if !strings.Contains(rows[c.name], want) {
					t.Errorf("docs/rehearsals.md does not say %q:\n%s", want, rows[c.name])
				}
			}
		})
	}
}

func some(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
