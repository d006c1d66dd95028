package drain

import (
	"context"
	"fmt"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// HeldError says that nothing is synced because an operator has paused the sync.
type HeldError struct {
	Hold contact.Hold
}

func (e *HeldError) Error() string {
	why := ""
	if e.Hold.Reason != "" {
		why = ": " + e.Hold.Reason
	}
	return fmt.Sprintf("the sync is paused by %s since %s%s; contacts stay queued until `contactsync resume`",
		e.Hold.Who, e.Hold.Since.Local().Format(time.DateTime), why)
}

// noteHold tells the beginning of an operator's hold, and its end, once each.
func (r *run) noteHold(ctx context.Context, hold *contact.Hold) {
	switch {
	case hold != nil && !r.held:
		r.Log.WarnContext(ctx, "HubSpot sync paused by an operator: contacts stay queued",
			"who", hold.Who, "reason", hold.Reason, "since", hold.Since)
	case hold == nil && r.held:
		r.Log.InfoContext(ctx, "HubSpot sync resumed by an operator")
	}
	r.held = hold != nil
}
