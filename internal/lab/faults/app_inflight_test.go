package faults

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// interference is what an app does to a contact while its first version is on
// the way to HubSpot. The statements are one transaction; $1 is the email.
type interference struct {
	name string
	does []string
	ends end // where HubSpot takes the request in flight
	fail end // where it answers with an error instead
}

// end is how a contact ends: its row, and the names that HubSpot got, in order.
type end struct{ row, sent string }

const (
	atRest = " - - id -"    // no code, no error, an id, no time
	unsent = " - - no id -" // the same of a row that HubSpot has not taken
)

func interferences() []interference {
	const set = "UPDATE contacts SET %s WHERE email = $1"
	do := func(what string) []string { return []string{fmt.Sprintf(set, what)} }
	return []interference{
		{"leaves it", nil, end{"Complete 0" + atRest, "V1"}, end{"Complete 1" + atRest, "V1"}},
		{"queues it again", do("hubspot_processing_status = 'Queued'"), end{"Complete 0" + atRest, "V1 V1"}, end{"Complete 0" + atRest, "V1"}},
		{"edits it", do("name = 'V2'"), end{"Complete 0" + atRest, "V1 V2"}, end{"Complete 1" + atRest, "V2"}},
		{"edits what is not sent", do("created_at = now()"), end{"Complete 0" + atRest, "V1"}, end{"Complete 1" + atRest, "V1"}},
		{
			"edits and queues it", do("name = 'V2', hubspot_processing_status = 'Queued'"),
			end{"Complete 0" + atRest, "V1 V2"},
			end{"Complete 0" + atRest, "V2"},
		},
		{
			"edits it and saves the whole row", do("name = 'V2', hubspot_processing_status = 'Processing', hubspot_sync_status = 'Processing'"),
			end{"Complete 0" + atRest, "V1 V2"},
			end{"Complete 1" + atRest, "V2"},
		},
		{"deletes it", []string{"DELETE FROM contacts WHERE email = $1"}, end{"gone", "V1"}, end{"gone", ""}},
		{
			"deletes it and inserts it again",
			[]string{"DELETE FROM contacts WHERE email = $1", `INSERT INTO contacts (id, email, name, hubspot_processing_status) VALUES (md5($1)::uuid, $1, 'V2', 'Queued')`},
			end{"Complete 0" + atRest, "V1 V2"},
			end{"Complete 0" + atRest, "V2"},
		},
		{"completes it by hand", do("hubspot_processing_status = 'Complete'"), end{"Complete 0" + atRest, "V1"}, end{"Complete 0" + unsent, ""}},
		{
			"ends it in Error by hand", do("hubspot_processing_status = 'Error', hubspot_processing_error = 'by hand'"),
			end{"Error 0 - by hand id -", "V1"},
			end{"Error 0 - by hand no id -", ""},
		},
		{"takes it back", do("hubspot_processing_status = NULL"), end{"NULL 0" + atRest, "V1"}, end{"NULL 0" + unsent, ""}},
		{
			"queues it for later", do("hubspot_processing_status = 'Queued', next_retry_at = now() + interval '1 hour'"),
			end{"Queued 0 - - id later", "V1"},
			end{"Queued 0 - - no id later", ""},
		},
		{"sets next_retry_at alone", do("next_retry_at = now() + interval '1 hour'"), end{"Complete 0" + atRest, "V1"}, end{"Complete 1" + atRest, "V1"}},
	}
}

func (c interference) email() string {
	return strings.ToLower(strings.ReplaceAll(c.name, " ", "-")) + "@example.org"
}

// rowOf tells how a contact stands: status, attempts, code, error, id, time.
func rowOf(email string) string {
	return `SELECT coalesce((SELECT concat_ws(' ', coalesce(hubspot_processing_status::text, 'NULL'), retry_count,
		coalesce(hubspot_error_code, '-'), coalesce(hubspot_processing_error, '-'),
		CASE WHEN hubspot_contact_id IS NULL THEN 'no id' ELSE 'id' END,
		CASE WHEN next_retry_at > now() THEN 'later' WHEN next_retry_at IS NULL THEN '-' ELSE 'past' END)
		FROM contacts WHERE email = '` + email + `'), 'gone')`
}

// sentTo tells which names HubSpot got for a contact, in order.
func sentTo(in *progtest.Installation, email string) string {
	var names []string
	for _, w := range in.Sim.Writes() {
		if w.Email == email {
			names = append(names, w.Properties["firstname"])
		}
	}
	return strings.Join(names, " ")
}

// TestAppInterferes has an app do something to contacts in flight: its doing
// stays, what it asked for is done, and HubSpot never gets older after newer
// data. So too where the app still holds the rows locked when the answer comes,
// and where the answer is an error.
func TestAppInterferes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		locked, failed bool
	}{
		{"before the answer", false, false},
		{"with the rows locked when the answer comes", true, false},
		{"before an answer that is an error", false, true},
		{"with the rows locked when an error comes", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			if test.failed {
				in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: http.StatusInternalServerError, Times: 1})
			}
			hanging, letGo := holdFirst(in)
			cases := interferences()
			for _, c := range cases {
				in.Exec(`INSERT INTO contacts (id, email, name) VALUES (md5($1)::uuid, $1, 'V1')`, c.email())
			}
			in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=100", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=300ms"), "run")
			in.Exec(`UPDATE contacts SET hubspot_sync_status = 'Queued', hubspot_processing_status = 'Queued'`)
			awaitRequest(t, hanging)
			if test.failed { // nor does the account answer: else the batch is tried in parts, and goes through
				in.Sim.Inject(hubspotsim.Fault{Path: "/details", Status: http.StatusInternalServerError, Times: 2})
			}

			app, err := in.Connect().Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				for _, statement := range c.does {
					if _, err := app.Exec(t.Context(), statement, c.email()); err != nil {
						t.Fatalf("%s: %v", c.name, err)
					}
				}
			}
			if test.locked {
				letGo()
				in.Await("0", `SELECT count(*)::text FROM contacts c JOIN contactsync.claims x ON x.contact_id = c.id WHERE c.email LIKE 'leaves%'`)
				commit(t, app)
			} else {
				commit(t, app)
				letGo()
			}
			for _, c := range cases {
				ends := c.ends
				if test.failed {
					ends = c.fail
				}
				in.Await(ends.row, rowOf(c.email()))
			}
			in.AwaitAsleep() // nothing more is under way
			for _, c := range cases {
				ends := c.ends
				if test.failed {
					ends = c.fail
				}
				in.Await(ends.row, rowOf(c.email()))
				if sent := sentTo(in, c.email()); sent != ends.sent {
					t.Errorf("the app %s: HubSpot got %q, want %q", c.name, sent, ends.sent)
				}
			}
			if n := in.Ask(`SELECT count(*)::text FROM contactsync.claims`); n != "0" {
				t.Errorf("%s claims are left", n)
			}
			t.Logf("%d ways to interfere, %d upserts, %d writes, %s cycles", len(cases), upserts(in), in.Sim.Stats().Writes,
				in.Ask(`SELECT count(*)::text FROM contactsync.cycles`))
		})
	}
}

func commit(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// holdFirst holds the first upsert back, tells when it has arrived, and lets it
// go when told to.
func holdFirst(in *progtest.Installation) (arrived <-chan struct{}, letGo func()) {
	came, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	in.Sim.OnArrival(func(r hubspotsim.Request) {
		if !strings.HasSuffix(r.Path, "batch/upsert") {
			return
		}
		mine := false
		first.Do(func() { mine = true })
		if mine {
			close(came)
			<-release
		}
	})
	letGo = sync.OnceFunc(func() { close(release) })
	in.Cleanup(letGo)
	return came, letGo
}

// awaitRequest waits until a request has arrived.
func awaitRequest(t *testing.T, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(progtest.Patience):
		t.Fatal("no request arrives")
	}
}
