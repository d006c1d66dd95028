package schema_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// secrets is what an app keeps beside contacts, and in a column of it.
var secrets = []string{
	"CREATE TABLE orders (id int, total int)",
	"ALTER TABLE contacts ADD COLUMN password_hash text",
	"INSERT INTO contacts (email, hubspot_processing_status) VALUES ('a@example.org', 'Queued')",
	"INSERT INTO contactsync.failures (code) VALUES ('OTHER')",
}

func grant(t *testing.T, db string, rights schema.Rights) (asRole string) {
	t.Helper()
	role, url := pgtest.Role(t, db)
	if err := schema.Grant(t.Context(), db, hubspotAlone, role, rights, logger(t)); err != nil {
		t.Fatal(err)
	}
	return url
}

// denied runs a statement that the database must refuse for want of a right.
func denied(t *testing.T, url, statement string) {
	t.Helper()
	_, err := pgtest.Connect(t, url).Exec(t.Context(), statement)
	if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != "42501" {
		t.Errorf("%s: %v, want it denied", statement, err)
	}
}

// What nobody but the owner may do.
var ownersOnly = []string{
	"DROP TABLE contacts",
	"ALTER TABLE contacts ADD COLUMN mine text",
	"ALTER TABLE contacts DISABLE TRIGGER ALL",
	"CREATE TRIGGER mine AFTER UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION contactsync.contact_doorbell()",
	"TRUNCATE contacts",
	"DELETE FROM contacts",
	"INSERT INTO contacts (email) VALUES ('b@example.org')",
	"UPDATE contacts SET email = 'b@example.org'",
	"UPDATE contacts SET name = 'b'",
	"UPDATE contacts SET id = gen_random_uuid()",
	"UPDATE contacts SET password_hash = ''",
	"SELECT password_hash FROM contacts",
	"SELECT * FROM contacts",
	"SELECT * FROM orders",
	"CREATE TABLE contactsync.mine (id int)",
	"CREATE FUNCTION contactsync.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
	"CREATE SCHEMA mine",
	"DROP SCHEMA contactsync CASCADE",
	"CREATE OR REPLACE FUNCTION contactsync.contact_doorbell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
	"UPDATE contactsync.installed SET detail = 'x'",
	"INSERT INTO contactsync.goose_db_version (version_id, is_applied) VALUES (99, true)",
	"UPDATE contactsync.failures SET code = 'x'",
	"TRUNCATE contactsync.failures",
	"SELECT setval('contactsync.cycles_id_seq', 1)",
	"COPY contacts TO PROGRAM 'cat'",
	"SELECT pg_read_file('postgresql.conf')",
	"CREATE ROLE mine",
}

func TestWorkerMayNot(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.New(t)
	pgtest.Exec(t, db, secrets...)
	worker := grant(t, db, schema.Worker)
	for _, statement := range ownersOnly {
		denied(t, worker, statement)
	}
	// The test is void if it may do nothing at all.
	pgtest.Exec(t, worker, "UPDATE contacts SET hubspot_processing_status = 'Complete'", "DELETE FROM contactsync.failures")
}

func TestReaderMayOnlyLook(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.New(t)
	pgtest.Exec(t, db, secrets...)
	reader := grant(t, db, schema.Reader)
	for _, statement := range append([]string{
		"UPDATE contacts SET hubspot_processing_status = 'Queued'",
		"SELECT id FROM contacts FOR SHARE",
		"DELETE FROM contactsync.failures",
		"INSERT INTO contactsync.claims (contact_id, destination, slot, cycle) VALUES (gen_random_uuid(), 'x', 1, 1)",
		"DELETE FROM contactsync.claims", "DELETE FROM contactsync.slots", "UPDATE contactsync.slots SET instance = 'x'",
		"DELETE FROM contactsync.cycles", "SELECT nextval('contactsync.cycles_id_seq')",
	}, ownersOnly...) {
		denied(t, reader, statement)
	}
	// A column that is added to claims is granted by its name, unless it is a digest.
	if hidden := pgtest.Value[string](t, reader, `SELECT coalesce(string_agg(attname, ', '), '') FROM pg_attribute
		WHERE attrelid = 'contactsync.claims'::regclass AND attnum > 0 AND NOT attisdropped
		AND atttypid <> 'bytea'::regtype AND NOT has_column_privilege(attrelid, attnum, 'SELECT')`); hidden != "" {
		t.Errorf("a reader may not read claims.%s: name it in reader.sql", hidden)
	}
	pgtest.Exec(t, reader, "SELECT * FROM contactsync.hubspot_queue_state(10)", "SELECT * FROM contactsync.hubspot_problems()")
	// A digest without a salt is as good as the email, to who has a list of them.
	if readable := pgtest.Value[string](t, reader, `SELECT coalesce(string_agg(format('%s.%s', attrelid::regclass, attname), ', '), '')
		FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'contactsync'::regnamespace AND relkind IN ('r', 'v'))
		AND attnum > 0 AND NOT attisdropped AND atttypid = 'bytea'::regtype AND has_column_privilege(attrelid, attnum, 'SELECT')`); readable != "" {
		t.Errorf("a reader may read digests: %s", readable)
	}
	denied(t, reader, "SELECT key FROM contactsync.sent")
	denied(t, reader, "SELECT * FROM contactsync.sent")
	if n := pgtest.Value[int](t, reader, "SELECT due::int FROM contactsync.status"); n != 1 {
		t.Errorf("the view shows %d due contacts, want 1", n)
	}
	pgtest.Exec(t, reader, "SELECT * FROM contactsync.problems", "SELECT * FROM contactsync.failures")
	if err := check(t, reader); err != nil {
		t.Errorf("a reader cannot see the version of the schema: %v", err)
	}
}

// Contacts in a schema that is not everybody's, and a role with a difficult name.
func TestGrantInAnotherSchema(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.Empty(t)
	pgtest.Exec(t, db, "CREATE SCHEMA app")
	owner := db + "&search_path=app"
	up(t, owner)
	role := `it's "odd" ` + pgtest.Value[string](t, db, "SELECT current_database()::text")
	quoted := `"` + strings.ReplaceAll(role, `"`, `""`) + `"`
	pgtest.Exec(t, db, "CREATE ROLE "+quoted+" LOGIN PASSWORD 'odd'")
	admin := pgtest.Connect(t, db)
	t.Cleanup(func() {
		if _, err := admin.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+quoted+"; DROP ROLE "+quoted); err != nil {
			t.Error(err)
		}
	})
	if err := schema.Grant(t.Context(), owner, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "odd")
	pgtest.Exec(t, u.String(), "UPDATE contacts SET retry_count = 0", "SELECT * FROM contactsync.status")
	if err := check(t, u.String()); err != nil {
		t.Error(err)
	}
}

// A role that was granted its rights has those of a later version, too.
func TestUpGrantsAgain(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.New(t)
	worker := grant(t, db, schema.Worker)
	if _, err := schema.Down(t.Context(), db, hubspotAlone, false, logger(t)); err != nil { // the views and all rights on them are gone
		t.Fatal(err)
	}
	up(t, db)
	pgtest.Exec(t, worker, "SELECT * FROM contactsync.status")
	if _, err := schema.Down(t.Context(), db, hubspotAlone, true, logger(t)); err != nil {
		t.Fatal(err)
	}
	up(t, db)
	denied(t, worker, "DELETE FROM contactsync.claims") // down --all forgets the roles with everything else
}

func TestGrantSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.Empty(t)
	if err := schema.Grant(t.Context(), db, hubspotAlone, "nobody", schema.Worker, logger(t)); err == nil || !strings.Contains(err.Error(), "contactsync migrate up") {
		t.Errorf("not migrated: %v", err)
	}
	up(t, db)
	if err := schema.Grant(t.Context(), db, hubspotAlone, "nobody at all", schema.Worker, logger(t)); !errors.Is(err, schema.ErrNoRole) {
		t.Errorf("no such role: %v, want ErrNoRole", err)
	}
	role, stranger := pgtest.Role(t, db)
	pgtest.Exec(t, db, "GRANT USAGE ON SCHEMA contactsync TO "+role, "GRANT SELECT ON ALL TABLES IN SCHEMA contactsync TO "+role,
		"GRANT SELECT ON contacts TO "+role)
	if err := schema.Grant(t.Context(), stranger, hubspotAlone, role, schema.Worker, logger(t)); err == nil {
		t.Error("a stranger granted himself a worker's rights")
	}
}
