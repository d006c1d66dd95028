package schema_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

func detach(t *testing.T, url string, o schema.Options, keepIndexes bool) {
	t.Helper()
	if err := schema.Detach(t.Context(), url, o, keepIndexes, logger(t)); err != nil {
		t.Fatal(err)
	}
}

func attach(t *testing.T, url string, o schema.Options) []string {
	t.Helper()
	result, err := schema.Attach(t.Context(), url, o, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return result.Applied
}

// What of the app's DDL Postgres refuses for our sake, and that detach ends that.
func TestWhatIsPinned(t *testing.T) {
	t.Parallel()
	const (
		toVarchar = "TYPE varchar(30)"
		toEnum    = "TYPE state USING hubspot_processing_status::text::state"
		toOther   = "TYPE other USING hubspot_processing_status::text::other"
		toText    = "TYPE text USING hubspot_processing_status::text"
	)
	tests := map[string]struct {
		column, is, alter string
		trigger, index    bool // whether the triggers, and then the indexes, are in the way
	}{
		"text to varchar":    {"hubspot_processing_status", "text", toVarchar, true, false},
		"varchar to text":    {"hubspot_processing_status", "varchar(12)", toText, true, false},
		"a longer varchar":   {"hubspot_processing_status", "varchar(12)", toVarchar, true, false},
		"text to enum":       {"hubspot_processing_status", "text", toEnum, true, true},
		"enum to text":       {"hubspot_processing_status", "state", toText, true, true},
		"enum to other enum": {"hubspot_processing_status", "state", toOther, true, true},
		"the mirror to enum": {"hubspot_sync_status", "text", "DROP DEFAULT, ALTER COLUMN hubspot_sync_status TYPE state USING hubspot_sync_status::state", false, false},
	}
	for _, column := range append(hubspot.Info.Columns.List(), "email", "name", "phone_number", "domain_id", "page_id", "last_failed_crm", "created_at", "updated_at") {
		if column != hubspot.Info.Columns.Status {
			tests[column+" to text"] = struct {
				column, is, alter string
				trigger, index    bool
			}{column, "", "DROP DEFAULT, ALTER COLUMN " + column + " TYPE text", false, false}
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, "CREATE TYPE state AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error', 'Selected', 'Skipped')",
				"CREATE TYPE other AS ENUM ('Later', 'New', 'Queued', 'Processing', 'Complete', 'Error')", "CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid())")
			if test.is != "" {
				pgtest.Exec(t, url, "ALTER TABLE contacts ADD COLUMN "+test.column+" "+test.is)
			}
			up(t, url)
			conn := pgtest.Connect(t, url)
			alter := func() error {
				_, err := conn.Exec(t.Context(), "ALTER TABLE contacts ALTER COLUMN "+test.column+" "+test.alter, pgx.QueryExecModeSimpleProtocol)
				return err
			}
			err := alter()
			if test.trigger != (err != nil && strings.Contains(err.Error(), "used in a trigger definition")) {
				t.Errorf("with triggers: %v", err)
			}
			if test.trigger {
				detach(t, url, hubspotAlone, true)
				if err = alter(); test.index != (err != nil) {
					t.Errorf("with indexes: %v", err)
				}
			}
			if test.index {
				detach(t, url, hubspotAlone, false)
				err = alter()
			}
			if err != nil {
				t.Errorf("the app cannot alter its column: %v", err)
			}
			if !test.trigger {
				return
			}
			attach(t, url, hubspotAlone)
			if err := check(t, url); err != nil {
				t.Errorf("after attach: %v", err)
			}
			if n := len(indexes(t, url)); n != 4 {
				t.Errorf("after attach there are %d indexes, want 4", n)
			}
			pgtest.Exec(t, url, "INSERT INTO contacts (hubspot_processing_status, retry_count) VALUES ('Error', 3)", "UPDATE contacts SET hubspot_processing_status = 'Queued'")
			if due := pgtest.Value[string](t, url, "SELECT format('%s due, %s retries', due, (SELECT retry_count FROM contacts)) FROM contactsync.status"); due != "1 due, 0 retries" {
				t.Errorf("after attach: %s", due)
			}
		})
	}
}

func states(t *testing.T, url string, o schema.Options) string {
	t.Helper()
	list, err := schema.Status(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, v := range list {
		if v.State != schema.Applied {
			lines = append(lines, v.Name+" "+string(v.State))
		}
	}
	return strings.Join(lines, ", ")
}

func TestDetachAndAttach(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, createPeople...)
	both := people(hubspot.Info, acme)
	upFor(t, url, both)
	before := shape(t, url)

	for range 2 { // it may be run again
		detach(t, url, both, false)
		stale, ok := errors.AsType[*schema.StaleTriggersError](schema.Check(t.Context(), pgtest.Connect(t, url), both))
		if !ok || stale.Detached.IsZero() || !strings.Contains(stale.Error(), "run `contactsync migrate attach`") {
			t.Errorf("check: %v, want that they are detached", stale)
		}
		if got := states(t, url, both); got != "hubspot indexes detached, acme indexes detached, triggers detached" {
			t.Errorf("status: %s", got)
		}
		if left := strings.Join(shape(t, url), "\n"); strings.Contains(left, "contactsync") {
			t.Errorf("detach left\n%s", left)
		}
		result, err := schema.Up(t.Context(), url, both, logger(t))
		if err != nil || len(result.Applied) != 0 {
			t.Errorf("up did %q (%v) to what is detached", result.Applied, err)
		}
	}
	if applied := attach(t, url, both); !slices.Equal(applied, []string{"triggers", "hubspot indexes", "acme indexes"}) {
		t.Errorf("attach did %q", applied)
	}
	if after := shape(t, url); !slices.Equal(after, before) {
		t.Errorf("there is\n%s\nthere was\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
	if applied := attach(t, url, both); len(applied) != 0 {
		t.Errorf("a second attach did %q", applied)
	}
	if got := states(t, url, both); got != "" {
		t.Errorf("status: %s", got)
	}
	pgtest.Exec(t, url, "UPDATE app.people SET acme_processing_status = 'Queued'")
}

func TestDetachOnPartitions(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, partitionedTable()...)
	up(t, url)
	detach(t, url, hubspotAlone, false)
	pgtest.Exec(t, url, "CREATE TYPE state AS ENUM ('Queued', 'Processing', 'Complete', 'Error')",
		"ALTER TABLE contacts ALTER COLUMN hubspot_processing_status TYPE state USING hubspot_processing_status::state")
	attach(t, url, hubspotAlone)
	if err := check(t, url); err != nil {
		t.Errorf("after attach: %v", err)
	}
	if n := pgtest.Value[int](t, url, onPartitions); n != 4*6 {
		t.Errorf("%d valid indexes on partitions, want 4 on each of 6", n)
	}
}

// Detached or not, down --all leaves nothing.
func TestDownWhileDetached(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, createPeople...)
	before := shape(t, url)
	upFor(t, url, people(hubspot.Info, acme))
	detach(t, url, people(hubspot.Info, acme), false)
	if _, err := schema.Down(t.Context(), url, people(hubspot.Info, acme), true, logger(t)); err != nil {
		t.Fatal(err)
	}
	if after := shape(t, url); !slices.Equal(after, before) {
		t.Errorf("there is\n%s\nthere was\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
}

func TestDetachNeedsAnInstallation(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, "CREATE TABLE contacts (id uuid PRIMARY KEY)")
	_, attached := schema.Attach(t.Context(), url, hubspotAlone, logger(t))
	for _, err := range []error{schema.Detach(t.Context(), url, hubspotAlone, false, logger(t)), attached} {
		if _, ok := errors.AsType[*schema.NotMigratedError](err); !ok {
			t.Errorf("error %v, want a *NotMigratedError", err)
		}
	}
}
