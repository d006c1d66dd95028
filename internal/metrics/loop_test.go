package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/drain"
	"github.com/scrapersky/contactsync/internal/metrics"
)

// want compares some metrics of a registry with their text form.
func want(t *testing.T, registry *prometheus.Registry, text string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(text), names...); err != nil {
		t.Error(err)
	}
}

func TestContactsAreCountedByOutcome(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, "v1").Destination(hubspot.Info, 1)
	settle := func(n int, final contact.Final, code contact.Code, created bool) {
		for range n {
			m.Settled(contact.Contact{Email: "ada@example.org"}, contact.Outcome{Code: code, Created: created}, contact.Settled{Final: final})
		}
	}
	settle(2, contact.Final(contact.Synced), "", true)
	settle(1, contact.Final(contact.Synced), "", false)
	settle(3, contact.Final(contact.Retry), contact.CodeServerError, false)
	settle(1, contact.Exhausted, contact.CodeTimeout, false)
	want(t, registry, `
# HELP contactsync_contacts_total Contacts by what became of them, and why.
# TYPE contactsync_contacts_total counter
contactsync_contacts_total{code="",destination="hubspot",outcome="synced"} 3
contactsync_contacts_total{code="SERVER_ERROR",destination="hubspot",outcome="retry"} 3
contactsync_contacts_total{code="TIMEOUT",destination="hubspot",outcome="exhausted"} 1
# HELP contactsync_created_contacts_total Contacts that the destination had not known before.
# TYPE contactsync_created_contacts_total counter
contactsync_created_contacts_total{destination="hubspot"} 2
`, "contactsync_contacts_total", "contactsync_created_contacts_total")
}

// Of the reasons for a pause at most one is told at a time, and none any more when
// the process has stopped leading.
func TestPauses(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, "v1").Destination(hubspot.Info, 1)
	paused := func(wanted ...contact.Code) {
		t.Helper()
		var text strings.Builder
		text.WriteString("# HELP contactsync_paused Whether this leader's account is paused for this reason: 1 or 0.\n# TYPE contactsync_paused gauge\n")
		for _, code := range contact.Codes() {
			value := "0"
			for _, one := range wanted {
				if one == code {
					value = "1"
				}
			}
			text.WriteString(`contactsync_paused{code="` + string(code) + `",destination="hubspot"} ` + value + "\n")
		}
		want(t, registry, text.String(), "contactsync_paused")
	}
	paused()
	end := m.Lead()
	m.Paused(&contact.AccountPause{Code: contact.CodeTimeout})
	m.Paused(&contact.AccountPause{Code: contact.CodeUnauthorized})
	paused(contact.CodeUnauthorized)
	m.Paused(nil)
	paused()
	m.Paused(&contact.AccountPause{Code: contact.CodeDailyLimit})
	end(true)
	paused()
	want(t, registry, `
# HELP contactsync_pauses_total Pauses of the account, by reason, prolonged ones too.
# TYPE contactsync_pauses_total counter
contactsync_pauses_total{code="DAILY_LIMIT",destination="hubspot"} 1
contactsync_pauses_total{code="TIMEOUT",destination="hubspot"} 1
contactsync_pauses_total{code="UNAUTHORIZED",destination="hubspot"} 1
# HELP contactsync_leader Whether this process leads a slot: 1 or 0.
# TYPE contactsync_leader gauge
contactsync_leader{destination="hubspot"} 0
# HELP contactsync_lost_leases_total Times this process lost the slot that it led: its session in the database was gone or silent.
# TYPE contactsync_lost_leases_total counter
contactsync_lost_leases_total{destination="hubspot"} 1
`, "contactsync_pauses_total", "contactsync_leader", "contactsync_lost_leases_total")
}

func TestRequestsAreCountedByCallAndStatus(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, "v1").Destination(hubspot.Info, 1)
	send(t, m, "/crm/objects/2026-09/contacts/batch/upsert", 207)
	send(t, m, "/crm/objects/2026-09/contacts/batch/upsert", 207)
	send(t, m, "/crm/v3/objects/contacts/batch/upsert", 524)
	send(t, m, "/crm/v3/objects/contacts/batch/upsert", 0)
	send(t, m, "/account-info/2026-09/details", 401)
	send(t, m, "/crm/properties/2026-09/contacts/scrapersky_page_id", 404)
	send(t, m, "/crm/objects/2026-09/contacts/batch/read", 200)
	send(t, m, "/elsewhere", 999)
	want(t, registry, `
# HELP contactsync_requests_total Requests to the destination by the status of the answer; none where there was no answer.
# TYPE contactsync_requests_total counter
contactsync_requests_total{call="account",destination="hubspot",status="401"} 1
contactsync_requests_total{call="other",destination="hubspot",status="other"} 1
contactsync_requests_total{call="property",destination="hubspot",status="404"} 1
contactsync_requests_total{call="read",destination="hubspot",status="200"} 1
contactsync_requests_total{call="upsert",destination="hubspot",status="207"} 2
contactsync_requests_total{call="upsert",destination="hubspot",status="5xx"} 1
contactsync_requests_total{call="upsert",destination="hubspot",status="none"} 1
`, "contactsync_requests_total")
}

// A cycle of a hundred contacts makes no garbage, because the loop itself counts.
func TestCountingAllocatesNothing(t *testing.T) { //nolint:paralleltest // others would be measured too
	m := metrics.New(prometheus.NewRegistry(), "v1").Destination(hubspot.Info, 1)
	contacts := make([]contact.Contact, 100)
	claimed := drain.Claimed{Batch: contact.Batch{Contacts: contacts}, Reason: drain.ReasonWake, Woken: time.Now()}
	ended := drain.Ended{Took: time.Millisecond}
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		m.Began(ctx, claimed)
		for i := range contacts {
			m.Settled(contacts[i], contact.Outcome{}, contact.Settled{Final: contact.Final(contact.Synced), Waited: time.Millisecond})
		}
		m.Ended(ctx, ended)
	})
	if allocations > 0 {
		t.Errorf("%v allocations a cycle, want none", allocations)
	}
}
