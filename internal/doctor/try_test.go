package doctor

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// A trigger of the app's that refuses every write is found before anything is queued,
// by its name and in the database's words; so is one that skips rows.
func TestTryFindsWhatRefuses(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url, `INSERT INTO contacts (email) VALUES ('a@example.org')`)
	expect(t, examine(t, url, url, nil)["a try"], OK, "1 contact could be claimed and settled, in a transaction that was rolled back", "")
	pgtest.Exec(t, url,
		`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM current_setting('app.user_id'); RETURN NULL; END $$`,
		`CREATE TRIGGER audit AFTER UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION audit()`)
	expect(t, examine(t, url, url, nil)["a try"], Failed,
		`by trigger audit on contacts: ERROR: unrecognized configuration parameter "app.user_id" (SQLSTATE 42704)`, "contactsync.worker = 'on'")
	pgtest.Exec(t, url, `DROP TRIGGER audit ON contacts`, `CREATE TRIGGER guard BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`)
	expect(t, examine(t, url, url, nil)["a try"], OK, "1 contact could be", "")
	pgtest.Exec(t, url, `DROP TRIGGER guard ON contacts`,
		`CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
		`CREATE TRIGGER guard BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION guard()`)
	expect(t, examine(t, url, url, nil)["a try"], Failed, "by one of the triggers guard on contacts", "contactsync.worker")
}

// While rows are refused the queue's check says so, whatever else it could say.
func TestRefusedRowsAreTheQueuesTrouble(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url,
		`WITH r AS (INSERT INTO contactsync.refusals (destination, stage, code, source, message, contact_id, again_at)
			VALUES ('hubspot', 'claim', '23514', 'constraint only_ours', 'ERROR: it is against it (SQLSTATE 23514)', gen_random_uuid(), now()) RETURNING id, contact_id)
		INSERT INTO contactsync.claims (contact_id, destination, slot, cycle, until, refusal) SELECT contact_id, 'hubspot', 0, 1, now(), id FROM r`)
	expect(t, examine(t, url, url, nil)["queue"], Failed, "1 contact cannot be claimed: ERROR: it is against it (SQLSTATE 23514) (constraint only_ours)", "tried again every minute")
	pgtest.Exec(t, url, `DELETE FROM contactsync.claims`)
	expect(t, examine(t, url, url, nil)["queue"], OK, "0 due", "")
}
