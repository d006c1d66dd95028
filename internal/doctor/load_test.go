package doctor

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestPrivileges(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	role, asRole := pgtest.Role(t, url)
	first := examine(t, asRole, asRole, nil)["privileges"]
	expect(t, first, Failed, "USAGE on schema contactsync", "contactsync migrate grant "+role)
	expect(t, first, Failed, "SELECT of contacts (id, email", "")
	expect(t, first, Failed, "UPDATE of contacts (hubspot_sync_status", "")
	expect(t, first, Failed, "USAGE on sequence contactsync.cycles_id_seq", "")
	pgtest.Exec(t, url, "GRANT USAGE ON SCHEMA contactsync TO "+role, "GRANT SELECT, UPDATE ON contacts TO "+role,
		"GRANT ALL ON ALL TABLES IN SCHEMA contactsync TO "+role, "GRANT ALL ON ALL SEQUENCES IN SCHEMA contactsync TO "+role)
	others(t, examine(t, asRole, asRole, nil))
	pgtest.Exec(t, url, "REVOKE INSERT ON contactsync.claims FROM "+role)
	results := examine(t, asRole, asRole, nil)
	expect(t, results["privileges"], Failed, "lacks: INSERT on contactsync.claims", "")
	// The worker's connection may be another role's.
	expect(t, examine(t, url, asRole, nil)["privileges"], Failed, "INSERT on contactsync.claims", "")
}

func TestRoleOutOfConnections(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	role, asRole := pgtest.Role(t, url)
	pgtest.Exec(t, url, "ALTER ROLE "+role+" CONNECTION LIMIT 3")
	expect(t, examine(t, asRole, asRole, nil)["connections"], Failed, "2 of 3 of role "+role, "ALTER ROLE")
	// The last connection of the first look is being closed.
	pgtest.Eventually(t, url, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1)", role)
	pgtest.Exec(t, url, "ALTER ROLE "+role+" CONNECTION LIMIT 6")
	expect(t, examine(t, asRole, asRole, nil)["connections"], Warning, "5 of 6 of role "+role, "ALTER ROLE")
}

func TestOldTransactions(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	app := pgtest.Connect(t, url+"&application_name=importer")
	tx, err := app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), "SELECT 'a secret statement'"); err != nil {
		t.Fatal(err)
	}
	brief := func(l *thresholds) { l.transaction = time.Microsecond }
	results := examine(t, url, url, brief)
	expect(t, results["transactions"], Warning, "importer, user postgres, idle in transaction",
		fmt.Sprintf("pg_terminate_backend(%d)", app.PgConn().PID()))
	if strings.Contains(results["transactions"].Found, "secret") {
		t.Error("a statement of somebody else is shown")
	}
	_, asRole := pgtest.Role(t, url)
	expect(t, examine(t, asRole, asRole, brief)["transactions"], OK, "of other roles cannot be seen: GRANT pg_read_all_stats", "")
}

func TestBloat(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "ALTER TABLE contacts SET (autovacuum_enabled = off)",
		`INSERT INTO contacts (email, hubspot_processing_status, hubspot_error_code)
		 SELECT i || '@example.org', 'Error', 'CODE' || i FROM generate_series(1, 10000) i`,
		"DELETE FROM contacts WHERE hubspot_error_code <> 'CODE1'")
	small := func(l *thresholds) { l.bloat = 100 << 10 }
	results := examine(t, url, url, small)
	expect(t, results["bloat"], Warning, "contacts_contactsync_error has", "REINDEX INDEX CONCURRENTLY contacts_contactsync_error;")
	expect(t, results["bloat"], Warning, "for 1 row, which needs about 17 KiB (an estimate)", "")
	others(t, results, "bloat")
	pgtest.Exec(t, url, "REINDEX INDEX CONCURRENTLY contacts_contactsync_error")
	others(t, examine(t, url, url, small))
}

func TestPartitions(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := partitioned(t)
	others(t, examine(t, url, url, nil))
	pgtest.Exec(t, url, "ALTER TABLE contacts_rest DISABLE TRIGGER zz_contactsync_requeue_named")
	expect(t, examine(t, url, url, nil)["triggers enabled"], Failed, "zz_contactsync_requeue_named on contacts_rest is disabled",
		"ALTER TABLE contacts_rest ENABLE TRIGGER zz_contactsync_requeue_named;")
}
