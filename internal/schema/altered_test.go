package schema_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// whole is all of contacts that contactsync relies on: columns, indexes, triggers.
func whole(t *testing.T, url string) []string {
	t.Helper()
	return pgtest.Value[[]string](t, url, `
		SELECT array_agg(x ORDER BY x) FROM (
			SELECT format('column %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid))
			  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			 WHERE a.attrelid = 'contacts'::regclass AND a.attnum > 0 AND NOT a.attisdropped
			 UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'contacts'::regclass AND indisvalid
			 UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'contacts'::regclass AND NOT tgisinternal
			 UNION ALL SELECT 'object ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'contactsync'::regnamespace
			 UNION ALL SELECT 'object ' || oid::regclass FROM pg_class WHERE relnamespace = 'contactsync'::regnamespace AND relkind = 'v') AS s (x)`)
}

// Up puts back whatever the app's migrations took, with what went with it.
func TestUpPutsBack(t *testing.T) {
	t.Parallel()
	spoils := map[string]string{
		"an index":      "DROP INDEX contacts_contactsync_queued",
		"all indexes":   "DROP INDEX contacts_contactsync_queued, contacts_contactsync_retry, contacts_contactsync_in_work, contacts_contactsync_error",
		"a trigger":     "DROP TRIGGER contactsync_doorbell_insert ON contacts",
		"the functions": "DROP FUNCTION contactsync.contact_requeue CASCADE; DROP FUNCTION contactsync.contact_doorbell CASCADE",
		"a view":        "DROP VIEW contactsync.status",
		"a view's root": "DROP FUNCTION contactsync.hubspot_queue_state CASCADE",
		"all columns":   "ALTER TABLE contacts DROP COLUMN " + strings.Join(hubspot.Info.Columns.List(), " CASCADE, DROP COLUMN ") + " CASCADE",
	}
	for _, column := range append(hubspot.Info.Columns.List(), "updated_at", "last_failed_crm", "email") {
		spoils["column "+column] = "ALTER TABLE contacts DROP COLUMN " + column + " CASCADE"
	}
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			before := whole(t, url)
			pgtest.Exec(t, url, spoil)
			if err := check(t, url); err == nil && !strings.Contains(name, "index") { // which doctor tells
				t.Error("check found nothing missing")
			}
			if result := up(t, url); len(result.Applied) == 0 {
				t.Error("up says that there was nothing to do")
			}
			if after := whole(t, url); !slices.Equal(after, before) {
				t.Errorf("there is\n%s\nthere was\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			if err := check(t, url); err != nil {
				t.Errorf("after up: %v", err)
			}
			if result := up(t, url); len(result.Applied) != 0 {
				t.Errorf("a second up did %q", result.Applied)
			}
		})
	}
}

// A renamed column is neither taken for a dropped one nor left alone.
func TestRenamedColumn(t *testing.T) {
	t.Parallel()
	for _, column := range append(hubspot.Info.Columns.List(), "updated_at", "email") {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			before := whole(t, url)
			pgtest.Exec(t, url, "ALTER TABLE contacts RENAME COLUMN "+column+" TO other")
			unsuitable(t, check(t, url), "column "+column+" of public.contacts is now called other", "RENAME COLUMN other TO "+column+";")
			_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
			unsuitable(t, err, "is now called other")
			bad, _ := errors.AsType[*schema.UnsuitableError](err)

			pgtest.Exec(t, url, bad.Remedies[0][:strings.Index(bad.Remedies[0], ";")])
			if err := check(t, url); err != nil {
				t.Errorf("after the remedy: %v", err)
			}

			// Or the app wants the old one under its new name, and contactsync gets another.
			kind := pgtest.Value[string](t, url, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'contacts'::regclass AND attname = $1", column)
			pgtest.Exec(t, url, "ALTER TABLE contacts RENAME COLUMN "+column+" TO other", "ALTER TABLE contacts ADD COLUMN "+column+" "+kind)
			up(t, url)
			pgtest.Exec(t, url, "ALTER TABLE contacts DROP COLUMN other")
			after := whole(t, url)
			for _, line := range before {
				if !strings.HasPrefix(line, "column ") && !slices.Contains(after, line) {
					t.Errorf("there is no %s\nin %s", line, strings.Join(after, "\n"))
				}
			}
		})
	}
}

// Another type is no reason for new triggers but for the plans that sessions hold.
func TestUpAfterAnotherType(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "ALTER TABLE contacts ALTER COLUMN next_retry_at TYPE timestamp")
	if stale, ok := errors.AsType[*schema.StaleTriggersError](check(t, url)); !ok || len(stale.Missing) != 0 {
		t.Errorf("check: %v, want that the triggers are for another type", stale)
	}
	if result := up(t, url); !slices.Equal(result.Applied, []string{"triggers"}) {
		t.Errorf("up did %q", result.Applied)
	}
	pgtest.Exec(t, url, "ALTER TABLE contacts ALTER COLUMN email TYPE varchar(200)")
	if err := check(t, url); err != nil {
		t.Errorf("a column that no trigger uses: %v", err)
	}
}

// The app gives its ids another type, as one does before an int overflows.
func TestUpAfterAnotherTypeOfID(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, "CREATE TABLE contacts (id int PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY)")
	up(t, url)
	role, theirs := pgtest.Role(t, url)
	if err := schema.Grant(t.Context(), url, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')",
		"INSERT INTO contactsync.failures (contact_id, destination) SELECT id, 'hubspot' FROM contacts",
		"ALTER TABLE contacts ALTER COLUMN id TYPE bigint", "INSERT INTO contacts (id, hubspot_processing_status, hubspot_error_code) VALUES (1::bigint << 40, 'Error', 'OTHER')")
	missing, ok := errors.AsType[*schema.NotMigratedError](check(t, url))
	if !ok || !slices.Equal(missing.Pending, []string{"ids"}) {
		t.Errorf("check: %v, want ids pending", missing)
	}
	if result := up(t, url); !slices.Equal(result.Applied, []string{"ids"}) {
		t.Errorf("up did %q", result.Applied)
	}
	if err := check(t, url); err != nil {
		t.Errorf("after up: %v", err)
	}
	pgtest.Exec(t, theirs, "INSERT INTO contactsync.claims (contact_id, destination, slot, cycle) SELECT id, 'x', 0, 1 FROM contacts")
	if id := pgtest.Value[string](t, theirs, "SELECT concat(id, ' of ', (SELECT queued + failed FROM contactsync.status)) FROM contactsync.problems"); id != "1099511627776 of 2" {
		t.Errorf("the views show %s", id)
	}
	if result := up(t, url); len(result.Applied) != 0 {
		t.Errorf("a second up did %q", result.Applied)
	}
}
