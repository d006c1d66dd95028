package queue

import (
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// No statement of a worker calls an operator or a function that somebody else put into a
// schema of search_path, whatever types the app's columns have.
func TestNobodyElsesOperators(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text", "varchar(30)", "state", "word"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, "CREATE TYPE state AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error')", "CREATE DOMAIN word AS text", "CREATE DOMAIN moment AS timestamptz",
				"CREATE TABLE contacts (id uuid PRIMARY KEY, email "+strings.Replace(kind, "state", "text", 1)+", hubspot_processing_status "+kind+", hubspot_sync_status "+kind+", next_retry_at moment, updated_at moment, last_retry_at moment)")
			pgtest.Migrate(t, url)
			pgtest.Traps(t, url, "state", "varchar", "word", "moment")
			conn := pgtest.Connect(t, url)
			if kind != "text" && len(pgtest.Trapped(t, conn, "SELECT FROM public.contacts c WHERE c.hubspot_processing_status = 'Queued'")) == 0 {
				t.Fatal("the test is void: what is not qualified is not trapped")
			}
			for name, stmt := range render(target, nil, false) {
				if list := pgtest.Trapped(t, conn, stmt.SQL); len(list) > 0 {
					t.Errorf("%s calls %s", name, strings.Join(slices.Compact(list), ", "))
				}
			}
		})
	}
}
