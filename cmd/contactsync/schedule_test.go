package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// The README's examples of scheduling do what their comments say.
func TestTheReadmeSchedules(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sql\n(-- tomorrow.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no examples of scheduling")
	}
	statements := strings.Split(strings.TrimSpace(string(block[1])), ";\n")
	want := []string{ // status, when
		"Queued at nine", "Queued within the hour", "Queued now", "NULL now",
	}
	if len(statements) != len(want) {
		t.Fatalf("%d examples, want %d", len(statements), len(want))
	}
	in := progtest.Install(t)
	const id = "11111111-1111-1111-1111-111111111111"
	in.Exec(`INSERT INTO contacts (id, email) VALUES ($1, 'one@example.org')`, id)
	for i, statement := range statements {
		if strings.Contains(statement, "$1") {
			in.Exec(statement, id)
		} else {
			in.Exec(statement)
		}
		got := in.Ask(`SELECT concat_ws(' ', coalesce(hubspot_processing_status::text, 'NULL'), CASE
			WHEN next_retry_at IS NULL THEN 'now'
			WHEN (next_retry_at AT TIME ZONE 'Europe/Berlin')::time = '09:00' AND next_retry_at > now() THEN 'at nine'
			WHEN next_retry_at BETWEEN now() + interval '50 min' AND now() + interval '1 hour' THEN 'within the hour' END)
			FROM contacts WHERE email = $1`, map[bool]string{true: "ada@example.org", false: "one@example.org"}[strings.HasPrefix(strings.TrimSpace(statement), "-- an hour")])
		if got != want[i] {
			t.Errorf("%s\nmakes %q, want %q", statement, got, want[i])
		}
	}
}
