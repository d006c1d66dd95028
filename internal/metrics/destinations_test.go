package metrics_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/metrics"
)

// Two destinations are counted apart, under the same names.
func TestTwoDestinations(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	process := metrics.New(registry, "v1")
	one := process.Destination(hubspot.Info, 1)
	other := process.Destination(destination.Info{Name: "acme", Ordinal: 7}, 2)
	for _, d := range []*metrics.Destination{one, other} {
		d.WatchListener(func() bool { return d == other })
		d.WatchLimits(func() destination.Limits { return destination.Limits{} })
	}
	one.Lead()
	other.Settled(contact.Contact{}, contact.Outcome{}, contact.Settled{Final: contact.Final(contact.Synced)})
	other.Paused(&contact.AccountPause{Code: contact.CodeDailyLimit})
	want(t, registry, `
# HELP contactsync_contacts_total Contacts by what became of them, and why.
# TYPE contactsync_contacts_total counter
contactsync_contacts_total{code="",destination="acme",outcome="synced"} 1
# HELP contactsync_leader Whether this process leads a slot: 1 or 0.
# TYPE contactsync_leader gauge
contactsync_leader{destination="acme"} 0
contactsync_leader{destination="hubspot"} 1
# HELP contactsync_listener_proven Whether notifications are known to arrive at this leader: 1 or 0, and 0 for a follower.
# TYPE contactsync_listener_proven gauge
contactsync_listener_proven{destination="acme"} 1
contactsync_listener_proven{destination="hubspot"} 0
# HELP contactsync_pauses_total Pauses of the account, by reason, prolonged ones too.
# TYPE contactsync_pauses_total counter
contactsync_pauses_total{code="DAILY_LIMIT",destination="acme"} 1
# HELP contactsync_slots How many processes may lead at a time, as this one is set.
# TYPE contactsync_slots gauge
contactsync_slots{destination="acme"} 2
contactsync_slots{destination="hubspot"} 1
`, "contactsync_contacts_total", "contactsync_leader", "contactsync_listener_proven", "contactsync_pauses_total", "contactsync_slots")
}
