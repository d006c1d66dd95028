package triggers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// updated_at tells when a sync was asked for, in columns of both kinds and for apps
// whose sessions are not in UTC.
func TestUpdatedAtTellsWhen(t *testing.T) {
	t.Parallel()
	const old = "'2020-01-01 12:00'"
	tests := map[string]struct{ before, statement, want string }{
		"first request":         {"NULL, NULL, " + old, "UPDATE contacts SET hubspot_processing_status = 'Queued'", "now"},
		"it was NULL":           {"NULL, NULL, NULL", "UPDATE contacts SET hubspot_processing_status = 'Queued'", "now"},
		"after an error":        {"'Error', NULL, " + old, "UPDATE contacts SET hubspot_processing_status = 'Queued'", "now"},
		"in flight":             {"'Processing', NULL, " + old, "UPDATE contacts SET hubspot_processing_status = 'Queued'", "now"},
		"in back-off":           {"'Queued', '2030-01-01', " + old, "UPDATE contacts SET hubspot_processing_status = 'Queued'", "now"},
		"waits already":         {"'Queued', NULL, " + old, "UPDATE contacts SET hubspot_processing_status = 'Queued', name = 'x'", "2020-01-01 12:00"},
		"the app says":          {"NULL, NULL, " + old, "UPDATE contacts SET hubspot_processing_status = 'Queued', updated_at = '2021-01-01 12:00'", "2021-01-01 12:00"},
		"late in a transaction": {"NULL, NULL, " + old, "BEGIN; SELECT 1; UPDATE contacts SET hubspot_processing_status = 'Queued'; COMMIT", "now"},
		"another column":        {"'Queued', '2030-01-01', " + old, "UPDATE contacts SET name = 'x'", "2020-01-01 12:00"},
		"a worker":              {"'Processing', NULL, " + old, "SET contactsync.worker = 'on'; UPDATE contacts SET hubspot_processing_status = 'Queued'", "2020-01-01 12:00"},
	}
	for _, kind := range []string{"timestamptz", "timestamp"} {
		for name, test := range tests {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				url := pgtest.Empty(t)
				pgtest.Exec(t, url, "CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, updated_at "+kind+")")
				pgtest.Migrate(t, url)
				pgtest.Exec(t, url, "SET timezone = 'UTC'", "INSERT INTO contacts (hubspot_processing_status, next_retry_at, updated_at) VALUES ("+test.before+")")
				conn := pgtest.Connect(t, url+"&timezone=Asia/Kathmandu")
				utc := func(sql string) string { return strings.ReplaceAll(sql, "12:00'", "12:00Z'") }
				if kind == "timestamp" {
					utc = func(sql string) string { return sql }
				}
				var before time.Time
				for statement := range strings.SplitSeq(utc(test.statement), "; ") {
					if strings.HasPrefix(statement, "UPDATE") { // later than the transaction's own time
						if err := conn.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&before); err != nil {
							t.Fatal(err)
						}
					}
					if _, err := conn.Exec(t.Context(), statement); err != nil {
						t.Fatal(err)
					}
				}
				got := pgtest.Value[string](t, url+"&timezone=UTC", `SELECT CASE WHEN updated_at::timestamptz BETWEEN $1 AND now() THEN 'now'
					ELSE coalesce(to_char(updated_at, 'YYYY-MM-DD HH24:MI'), 'NULL') END FROM contacts`, before)
				if got != test.want {
					t.Errorf("updated_at is %s, want %s", got, test.want)
				}
			})
		}
	}
}

// hubspot_queued_at tells since when a row waits, whatever a request writes there.
func TestQueuedAtTellsSinceWhen(t *testing.T) {
	t.Parallel()
	const old = "'2020-01-01 12:00Z'"
	const request = "UPDATE contacts SET hubspot_processing_status = 'Queued'"
	tests := map[string]struct{ before, statement, want string }{
		"first request":                  {"NULL, NULL, NULL", request, "now"},
		"after an error":                 {"'Error', NULL, " + old, request, "now"},
		"in flight":                      {"'Processing', NULL, " + old, request, "now"},
		"in back-off":                    {"'Queued', '2030-01-01', " + old, request, "now"},
		"scheduled":                      {"NULL, NULL, " + old, request + ", next_retry_at = '2030-01-01'", "now"},
		"waits already":                  {"'Queued', NULL, " + old, request, "2020"},
		"a stale row":                    {"NULL, NULL, " + old, request + ", hubspot_queued_at = '2021-01-01'", "now"},
		"a stale row, of one that waits": {"'Queued', NULL, " + old, request + ", hubspot_queued_at = '2021-01-01'", "2020"},
		"written by itself":              {"'Queued', NULL, " + old, "UPDATE contacts SET hubspot_queued_at = '2021-01-01'", "2021"},
		"another column":                 {"'Queued', NULL, " + old, "UPDATE contacts SET name = 'x'", "2020"},
		"a worker":                       {"'Processing', NULL, " + old, "SET contactsync.worker = 'on'; " + request, "2020"},
		"inserted":                       {"NULL, NULL, NULL", "DELETE FROM contacts; INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')", "now"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			pgtest.Exec(t, url, "INSERT INTO contacts (hubspot_processing_status, next_retry_at, hubspot_queued_at) VALUES ("+test.before+")")
			before := pgtest.Value[time.Time](t, url, "SELECT clock_timestamp()")
			pgtest.Exec(t, url, strings.Split(test.statement, "; ")...)
			got := pgtest.Value[string](t, url+"&timezone=UTC", `SELECT CASE WHEN hubspot_queued_at BETWEEN $1 AND now() THEN 'now'
				ELSE coalesce(to_char(hubspot_queued_at, 'YYYY'), 'NULL') END FROM contacts`, before)
			if got != test.want {
				t.Errorf("hubspot_queued_at is %s, want %s", got, test.want)
			}
		})
	}
}
