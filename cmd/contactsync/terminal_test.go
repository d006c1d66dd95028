package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
	"github.com/scrapersky/contactsync/internal/printable"
)

// orders is a text that gives orders to a terminal, forges a line of a log, turns the
// text around and hides characters; and how it is shown.
const (
	orders = "\x1b]0;pwned\x07\x1b[2J\u009b31m\u202eada\u200b\r\nERR forged\u2028\x7f"
	shown  = `\x1b]0;pwned\x07\x1b[2J\u009b31m\u202eada\u200b\r\nERR forged\u2028\x7f`
)

// What rows, HubSpot, files and the command line hold is shown by every command, and
// gives no order to the terminal.
func TestForeignTextIsNoOrderToTheTerminal(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	email := orders + "@example.org"
	bad := in.Ask(`INSERT INTO contacts (email, name, phone_number) VALUES ($1 || '@x', $1, $1) RETURNING id::text`, orders)
	in.Exec(`INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, hubspot_processing_error)
		VALUES ('x@example.org', 'Error', 'Error', 'OTHER', 'bad: ' || $1)`, orders)
	file := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(file, []byte(strings.NewReplacer("\r\n", " ").Replace(orders)+"@example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inFile := strings.ReplaceAll(shown, `\r\n`, " ")

	try := func(name, want string, args ...string) {
		t.Helper()
		stdout, stderr, _ := in.Command(in.Env(), args...)
		out := stdout + stderr
		if printable.Layout(out) != out {
			t.Errorf("%s gives orders to the terminal: %q", name, out)
		}
		if strings.Contains(out, "\nERR forged") {
			t.Errorf("%s forges a line: %s", name, out)
		}
		if !strings.Contains(out, want) {
			t.Errorf("%s does not show what there is: %s\nwant %s in it", name, out, want)
		}
	}
	try("pause", "Paused: ", "pause", "--reason", orders, "--as", "who"+orders)
	try("pause again", "Paused already: by who"+shown, "pause")
	try("status", "bad: "+shown[:40], "status")
	try("status --json", `\u202e`, "status", "--json")
	try("status of a pause", shown, "status")
	try("sync of a row", shown, "sync", bad)
	try("sync of nobody", shown+"@example.org", "sync", email)
	try("sync, redacted", "✗", "sync", bad)
	try("plan", shown, "plan", bad)
	try("plan --json", `\u202e`, "plan", "--json", bad)
	try("plan of nobody", `\u202e`, "plan", email)
	try("queue of nobody", "not found: ", "queue", strings.ReplaceAll(email, "\n", " "))
	try("queue --file", inFile, "queue", "--file", file)
	try("queue --json", `\u202e`, "queue", "--json", "--file", file)
	try("retry of nobody", `\u202e`, "retry", email)
	try("skip of nobody", `\u202e`, "skip", email)
	try("resume", "Resumed", "resume")
	try("an unknown command", `\u202e`, "x"+orders)
	try("an unknown flag", `\u202e`, "status", "--x"+orders)
	try("an unknown status", `\u202e`, "plan", "--status", orders)
	try("an unknown code", `\u202e`, "retry", "--code", orders)
	try("an odd setting", `\u202e`, "status", "--hours", orders)
	try("a file that is not there", `\u202e`, "queue", "--file", "/nowhere/"+orders)
	try("a role that is not there", `\u202e`, "migrate", "grant", orders)
	try("doctor", "checks", "doctor")

	var plan struct {
		Contacts []struct{ Email string }
	}
	if err := json.Unmarshal([]byte(in.Must("plan", "--json", bad)), &plan); err != nil || len(plan.Contacts) != 1 || !strings.HasPrefix(plan.Contacts[0].Email, strings.TrimSpace(orders)) {
		t.Errorf("who reads the JSON reads something else: %q (%v)", plan, err)
	}
}

// The log shows what there is as well, in each form.
func TestForeignTextInTheLog(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ($1, $1, 'Queued'), ($1 || '@example.org', $1, 'Queued')`, orders)
			_, stderr, _ := in.Command(in.Env("LOG_FORMAT="+format, "LOG_LEVEL=debug"), "run", "--once")
			if printable.Layout(stderr) != stderr || strings.Contains(stderr, "\nERR forged") {
				t.Errorf("the log gives orders: %q", stderr)
			}
			if !strings.Contains(stderr, "HubSpot sync failed") || !strings.Contains(strings.ReplaceAll(stderr, `\u001b`, `\x1b`), `\x1b[2J\u009b31m\u202eada\u200b`) {
				t.Errorf("the log does not show what there is: %s", stderr)
			}
		})
	}
}

// Everything that commands print for people goes through say, or the next command
// prints what it should not.
func TestCommandsPrintWithSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") || file == "say.go" {
			continue
		}
		for number, line := range strings.Split(string(text), "\n") {
			for _, other := range []string{"fmt.Fprint", "fmt.Print", "json.NewEncoder(p.stdout)"} {
				if strings.Contains(line, other) {
					t.Errorf("%s:%d: print with say (or printJSON), which makes foreign text harmless: %s", file, number+1, line)
				}
			}
		}
	}
}
