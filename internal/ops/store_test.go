package ops_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A selection of a million rows is walked in pages by the key: a page that had
// to sort would read all the rest each time.
func TestPagesAreReadByTheKey(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url, `INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status)
		SELECT i || '@example.org', 'Error', 'Error' FROM generate_series(1, 20000) i`, `VACUUM ANALYZE contacts`)
	conn := pgtest.Connect(t, url)
	for name, filter := range map[string]string{"select_status.sql": "Error", "select_failed.sql": ""} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(t.Context(), "EXPLAIN "+string(text), pgx.QueryExecModeCacheDescribe, filter, "00000000-0000-0000-0000-000000000000", 1000)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(plan, "\n"); strings.Contains(text, "Sort") || strings.Contains(text, "Seq Scan") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}
