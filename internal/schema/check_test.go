package schema_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

func TestCheckNamesWhatIsPending(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ spoil, pending string }{
		"a version":   {"DELETE FROM contactsync.goose_db_version WHERE version_id = 1", "00001_bookkeeping"},
		"a column":    {"ALTER TABLE contacts DROP COLUMN hubspot_error_code", "hubspot columns (hubspot_error_code)"},
		"two columns": {"ALTER TABLE contacts DROP COLUMN hubspot_error_code, DROP COLUMN retry_count", "hubspot columns (hubspot_error_code, retry_count)"},
		"for all":     {"ALTER TABLE contacts DROP COLUMN updated_at", "contacts (updated_at)"},
		"an index":    {"DELETE FROM contactsync.installed WHERE kind = 'index' AND name LIKE '%retry'", "hubspot indexes"},
		"destination": {"DELETE FROM contactsync.installed WHERE kind = 'destination'", "hubspot columns"},
		"views":       {"DELETE FROM contactsync.installed WHERE kind = 'views'", "views"},
		"a view":      {"DROP VIEW contactsync.problems", "views"},
		"a function":  {"DROP FUNCTION contactsync.hubspot_problems CASCADE", "views"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			pgtest.Exec(t, url, test.spoil)
			missing, ok := errors.AsType[*schema.NotMigratedError](check(t, url))
			if !ok || !slices.Equal(missing.Pending, []string{test.pending}) {
				t.Fatalf("got %v, want %s pending", missing, test.pending)
			}
			if name == "a version" {
				return // its tables are there
			}
			if result := up(t, url); !slices.Contains(result.Applied, strings.Split(test.pending, " (")[0]) {
				t.Errorf("up applied %q, want %s", result.Applied, test.pending)
			}
			if err := check(t, url); err != nil {
				t.Errorf("after up: %v", err)
			}
		})
	}
}

func TestCheckTriggers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil   string
		missing []string
	}{
		"another text": {"UPDATE contactsync.installed SET detail = 'older' WHERE kind = 'triggers'", nil},
		"disabled":     {"ALTER TABLE contacts DISABLE TRIGGER zz_contactsync_requeue_named", []string{"zz_contactsync_requeue_named"}},
		"dropped":      {"DROP TRIGGER zz_contactsync_requeue ON contacts", []string{"zz_contactsync_requeue"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			pgtest.Exec(t, url, test.spoil)
			stale, ok := errors.AsType[*schema.StaleTriggersError](check(t, url))
			if !ok || !slices.Equal(stale.Missing, test.missing) {
				t.Fatalf("got %v, want a *StaleTriggersError for %q", stale, test.missing)
			}
			if result := up(t, url); !slices.Equal(result.Applied, []string{"triggers"}) {
				t.Errorf("up did %+v, want the triggers alone", result)
			}
			if err := check(t, url); err != nil {
				t.Errorf("after up: %v", err)
			}
		})
	}
}

func TestNewerSchemaIsFine(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "INSERT INTO contactsync.goose_db_version (version_id, is_applied) VALUES (99999, true)",
		"UPDATE contactsync.installed SET detail = 'of a later version' WHERE kind IN ('triggers', 'views')",
		"DROP TRIGGER zz_contactsync_requeue_named ON contacts") // it may do without
	if err := check(t, url); err != nil {
		t.Errorf("check: %v", err)
	}
	if result := up(t, url); result.Applied != nil {
		t.Errorf("an older up did %+v to a newer schema", result)
	}
	if _, err := schema.Down(t.Context(), url, hubspotAlone, false, logger(t)); err == nil {
		t.Error("an older down undid what it does not know")
	}
}

func TestAnotherContactsIsNoticed(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "CREATE SCHEMA app; CREATE TABLE app.contacts (id uuid)")
	other := url + "&search_path=app,public"
	unsuitable(t, check(t, other), "public.contacts was migrated", "leads to app.contacts", "search_path")
	_, err := schema.Up(t.Context(), other, hubspotAlone, logger(t))
	unsuitable(t, err, "leads to app.contacts")
}
