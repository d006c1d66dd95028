package triggers_test

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// The states that a row may be in when an app comes along.
var (
	never      = "NULL, 0, NULL, NULL, NULL"
	failed     = "'Error', 3, 'Max retries exceeded (3)', 'TIMEOUT', NULL"
	backingOff = "'Queued', 2, 'try again', 'TIMEOUT', '2030-01-01'"
	working    = "'Processing', 1, 'try again', 'TIMEOUT', '2020-01-01'"
	complete   = "'Complete', 2, NULL, NULL, NULL"
)

// The contract with other apps, row by row.
func TestFreshRequest(t *testing.T) {
	t.Parallel()
	const fresh = "Queued 0 - - -"
	tests := map[string]struct{ row, statement, want string }{
		"first request":                {never, "UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"after an error":               {failed, "UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"after success":                {complete, "UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"while in flight":              {working, "UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"while backing off":            {backingOff, "UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"a whole row saved":            {backingOff, "UPDATE contacts SET hubspot_processing_status = 'Queued', retry_count = 2, next_retry_at = '2030-01-01', hubspot_error_code = 'TIMEOUT'", fresh},
		"with a schedule":              {failed, "UPDATE contacts SET hubspot_processing_status = 'Queued', next_retry_at = '2031-01-01'", "Queued 0 - - 2031"},
		"a schedule while backing off": {backingOff, "UPDATE contacts SET hubspot_processing_status = 'Queued', next_retry_at = '2031-01-01'", "Queued 0 - - 2031"},
		"a schedule taken back":        {"'Queued', 0, NULL, NULL, '2030-01-01'", "UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"released with a reason":       {"'Queued', 0, 'tomorrow', NULL, NULL", "UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"released with a code":         {"'Queued', 0, NULL, 'DAILY_LIMIT', NULL", "UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"another status, as it was":    {failed, "UPDATE contacts SET hubspot_processing_status = 'Error', name = 'x'", "Error 3 Max retries exceeded (3) TIMEOUT -"},
		"another column":               {backingOff, "UPDATE contacts SET name = 'x'", "Queued 2 try again TIMEOUT 2030"},
		"a new time alone":             {backingOff, "UPDATE contacts SET next_retry_at = '2031-01-01'", "Queued 2 try again TIMEOUT 2031"},
		"another status":               {backingOff, "UPDATE contacts SET hubspot_processing_status = NULL", "- 2 try again TIMEOUT 2030"},
		"insert":                       {never, "DELETE FROM contacts; INSERT INTO contacts (hubspot_processing_status, retry_count, hubspot_processing_error, hubspot_error_code, next_retry_at) VALUES (" + backingOff + ")", "Queued 2 try again TIMEOUT 2030"},
		"upsert": {failed, `INSERT INTO contacts (id, hubspot_processing_status) SELECT id, 'Queued' FROM contacts
			ON CONFLICT (id) DO UPDATE SET hubspot_processing_status = excluded.hubspot_processing_status`, fresh},
		"worker: retry":        {working, "SET contactsync.worker = 'on'; UPDATE contacts SET hubspot_processing_status = 'Queued', retry_count = 2, next_retry_at = '2031-01-01'", "Queued 2 try again TIMEOUT 2031"},
		"worker: again":        {backingOff, "SET contactsync.worker = 'on'; UPDATE contacts SET hubspot_processing_status = 'Queued'", "Queued 2 try again TIMEOUT 2030"},
		"worker off again":     {failed, "BEGIN; SET LOCAL contactsync.worker = 'on'; COMMIT; UPDATE contacts SET hubspot_processing_status = 'Queued'", fresh},
		"app's own trigger":    {failed, "UPDATE contacts SET name = 'queue me'", fresh},
		"replica role: no way": {failed, "SET session_replication_role = replica; UPDATE contacts SET hubspot_processing_status = 'Queued'", "Queued 3 Max retries exceeded (3) TIMEOUT -"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			pgtest.Exec(t, url,
				`CREATE FUNCTION by_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name = 'queue me' THEN NEW.hubspot_processing_status := 'Queued'; END IF; RETURN NEW; END $$`,
				"CREATE TRIGGER m_by_name BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION by_name()",
				"INSERT INTO contacts (hubspot_processing_status, retry_count, hubspot_processing_error, hubspot_error_code, next_retry_at) VALUES ("+test.row+")")
			// One by one, as psql would send them.
			conn := pgtest.Connect(t, url)
			for statement := range strings.SplitSeq(test.statement, "; ") {
				if _, err := conn.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			got := pgtest.Value[string](t, url, `SELECT concat_ws(' ', coalesce(hubspot_processing_status::text, '-'), retry_count, coalesce(hubspot_processing_error, '-'),
				coalesce(hubspot_error_code, '-'), coalesce(to_char(next_retry_at, 'YYYY'), '-')) FROM contacts`)
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
