package main_test

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// What a contact's values, repeated by HubSpot, or a reason hold does not reach the
// terminal as orders to it.
func TestStatusIsNoOrderToTheTerminal(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	const evil = "\x1b]0;pwned\x07\x1b[2J"
	in.Exec(`INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, hubspot_processing_error)
		VALUES ('x@example.org', 'Error', 'Error', 'OTHER', 'bad: ' || $1)`, evil)
	in.Must("pause", "--reason", "why "+evil)
	out := in.Must("status")
	if strings.ContainsAny(out, "\x1b\x07") || !strings.Contains(out, "bad: ") || !strings.Contains(out, "why ") {
		t.Errorf("status says %q", out)
	}
}
