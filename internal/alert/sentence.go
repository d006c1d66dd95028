package alert

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/printable"
)

// maxText bounds what is posted, in bytes.
const maxText = 2000

// escape keeps a text from being read as Slack's markup, which could call
// everybody.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// sentence returns a change in words, with what to do about it, and without what
// redact hides.
func sentence(a ops.Alert, label string, limits ops.AlertLimits, redact func(text string) string) string {
	lasted := short(time.Duration(a.Seconds * float64(time.Second)))
	text := ""
	switch {
	case a.Kind == ops.AlertPaused && a.Raised:
		text = fmt.Sprintf("%s sync paused (%s). Contacts stay queued, and it goes on by itself once %[1]s lets it. What to do: docs/runbook.md#paused", label, a.Detail)
	case a.Kind == ops.AlertPaused:
		text = label + " sync goes on. It was paused for " + lasted + "."
	case a.Kind == ops.AlertHeld && a.Raised:
		text = fmt.Sprintf("%s sync paused by %s. Contacts stay queued until `contactsync resume`.", label, a.Detail)
	case a.Kind == ops.AlertHeld:
		text = label + " sync resumed by an operator. It was paused for " + lasted + "."
	case a.Kind == ops.AlertBacklog && a.Raised:
		text = fmt.Sprintf("Contacts wait for %s: the oldest has been due for %s, more than %s. What to do: docs/runbook.md#backlog-grows", label, age(a.Detail), short(limits.BacklogAge))
	case a.Kind == ops.AlertBacklog:
		text = fmt.Sprintf("Contacts are in %s in time again: none has been due for longer than %s. That lasted %s.", label, short(limits.BacklogAge), lasted)
	case a.Kind == ops.AlertFailures && a.Raised:
		text = fmt.Sprintf("%s contacts ended in Error within an hour, more than %d. What to do: docs/runbook.md#errors-by-code", a.Detail, limits.FailuresPerHour)
	default:
		text = fmt.Sprintf("Fewer contacts end in Error again: %s within the last hour.", a.Detail)
	}
	text = escape.Replace(printable.Text(redact(text))) // escaped, a name would not be known by the <address> after it
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// age returns a number of seconds in words.
func age(seconds string) string {
	n, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return "some time"
	}
	return short(time.Duration(n * float64(time.Second)))
}

// short returns a duration without trailing zeros: 5m, 1h30m, 12s.
func short(d time.Duration) string {
	d = d.Round(time.Second)
	if d >= 10*time.Minute {
		d = d.Round(time.Minute)
	}
	text := d.String()
	if s, cut := strings.CutSuffix(text, "m0s"); cut {
		text = s + "m"
	}
	if s, cut := strings.CutSuffix(text, "h0m"); cut {
		text = s + "h"
	}
	return text
}
