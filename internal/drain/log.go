package drain

import (
	"context"
	"log/slog"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// The messages of a cycle are those of the scheduler that this program
// replaces: people have alerts and dashboards on them.

func (r *run) logStart(ctx context.Context, batch contact.Batch) {
	r.Log.InfoContext(ctx, "Starting HubSpot sync scheduler cycle", "cycle", batch.Cycle, "contacts", len(batch.Contacts))
	for _, c := range batch.Contacts {
		r.Log.InfoContext(ctx, "Processing contact", "contact_id", c.ID, "email", c.Email)
	}
}

func (r *run) logEnd(ctx context.Context, a contact.Answered, done []contact.Settled, took time.Duration) {
	r.tellOutcomes(ctx, a, done)
	count := map[contact.Final]int{}
	for _, s := range done {
		count[s.Final]++
	}
	r.Log.InfoContext(ctx, "Finished HubSpot sync scheduler cycle",
		"cycle", a.Cycle,
		"contacts", len(a.Contacts),
		"synced", count[contact.Final(contact.Synced)],
		"retried", count[contact.Final(contact.Retry)],
		"failed", count[contact.Final(contact.Reject)]+count[contact.Exhausted],
		"unchanged", count[contact.Final(contact.Unchanged)],
		"released", count[contact.Final(contact.Unspent)],
		"requests", a.Requests,
		"duration", took.Round(time.Microsecond))
}

// tellOutcomes tells the log and the observer what became of each contact.
func (r *run) tellOutcomes(ctx context.Context, a contact.Answered, done []contact.Settled) {
	byID := make(map[string]int, len(a.Contacts))
	for i, c := range a.Contacts {
		byID[c.ID] = i
	}
	for _, s := range done {
		c, o := a.Contacts[byID[s.ID]], a.Outcomes[byID[s.ID]]
		r.observer().Settled(c, o, s)
		who := []slog.Attr{slog.String("contact_id", c.ID), slog.String("email", c.Email)}
		switch s.Final {
		case contact.Final(contact.Synced):
			r.Log.LogAttrs(ctx, slog.LevelInfo, "Contact synced successfully to HubSpot",
				append(who, slog.String("hubspot_id", o.RemoteID), slog.Bool("created", o.Created))...)
		case contact.Final(contact.Unspent):
			r.Log.LogAttrs(ctx, slog.LevelInfo, "Contact released: it stays queued, no attempt is spent",
				append(who, slog.String("code", string(o.Code)))...)
		case contact.Final(contact.Unchanged):
			r.Log.LogAttrs(ctx, slog.LevelInfo, "Contact is unchanged since it was sent last: no request was needed",
				append(who, slog.String("hubspot_id", o.RemoteID))...)
		case contact.Touched:
			r.Log.LogAttrs(ctx, slog.LevelInfo, "Contact changed while it was in flight: it is queued again", who...)
		case contact.Lost:
			r.Log.LogAttrs(ctx, slog.LevelWarn, "The claim of a contact was lost; nothing was written", who...)
		default:
			r.Log.LogAttrs(ctx, slog.LevelWarn, "HubSpot sync failed",
				append(who, slog.String("code", string(o.Code)), slog.String("error", s.Error),
					slog.Int("attempt", s.Tries+1), slog.Bool("retry", s.Final == contact.Final(contact.Retry)))...)
		}
	}
}
