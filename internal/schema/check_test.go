package schema_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/scrapersky/contactsync/internal/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

func TestCheckNamesWhatIsPending(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url, "DELETE FROM contactsync.goose_db_version WHERE version_id = 4")
	missing, ok := errors.AsType[*schema.NotMigratedError](check(t, url))
	if !ok || !slices.Equal(missing.Pending, []string{"00004_views"}) {
		t.Errorf("got %v, want 00004_views pending", missing)
	}
}

func TestCheckTriggers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil   string
		missing []string
	}{
		"another text": {"UPDATE contactsync.installed SET detail = 'older' WHERE kind = 'triggers'", nil},
		"disabled":     {"ALTER TABLE contacts DISABLE TRIGGER zz_contactsync_fresh_again", []string{"zz_contactsync_fresh_again"}},
		"dropped":      {"DROP TRIGGER zz_contactsync_fresh ON contacts", []string{"zz_contactsync_fresh"}},
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
			if result := up(t, url); !result.Triggers || result.Applied != nil {
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
	url := pgtest.New(t)
	pgtest.Exec(t, url, "INSERT INTO contactsync.goose_db_version (version_id, is_applied) VALUES (99999, true)",
		"UPDATE contactsync.installed SET detail = 'of a later version' WHERE kind = 'triggers'",
		"DROP TRIGGER zz_contactsync_fresh_again ON contacts") // it may do without
	if err := check(t, url); err != nil {
		t.Errorf("check: %v", err)
	}
	if result := up(t, url); result.Triggers || result.Applied != nil {
		t.Errorf("an older up did %+v to a newer schema", result)
	}
	if _, err := schema.Down(t.Context(), url, false, logger(t)); err == nil {
		t.Error("an older down undid what it does not know")
	}
}

func TestAnotherContactsIsNoticed(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url, "CREATE SCHEMA app; CREATE TABLE app.contacts (id uuid)")
	other := url + "&search_path=app,public"
	unsuitable(t, check(t, other), "public.contacts was migrated", "leads to app.contacts", "search_path")
	_, err := schema.Up(t.Context(), other, logger(t))
	unsuitable(t, err, "leads to app.contacts")
}
