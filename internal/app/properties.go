package app

import (
	"context"
	"log/slog"
	"strings"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// checkProperties returns how a leader looks, when it begins, whether HubSpot has
// what HUBSPOT_PROPERTY_MAP names; nil where nothing is mapped. It only logs, all at
// once: what does not fit is dealt with when HubSpot refuses it. What merely serves
// less well is left to doctor, for somebody may want it so.
func checkProperties(client *hubspot.Client, extra columns.List, log *slog.Logger) func(ctx context.Context) {
	if len(extra) == 0 {
		return nil
	}
	return func(ctx context.Context) {
		var problems []string
		for _, m := range client.Mapped() {
			if !m.Extra() {
				continue
			}
			p, found, err := client.Property(ctx, m.Name)
			if err != nil { // the account's trouble, which is logged elsewhere
				log.DebugContext(ctx, "properties of HUBSPOT_PROPERTY_MAP could not be checked", "error", err)
				return
			}
			if f := hubspot.JudgeProperty(m, p, found); f.Level == doctor.Failed {
				problems = append(problems, f.Found+": "+f.Remedy)
			}
		}
		if len(problems) > 0 {
			log.WarnContext(ctx, "HUBSPOT_PROPERTY_MAP does not fit what HubSpot has", "problems", strings.Join(problems, ". "))
		}
	}
}
