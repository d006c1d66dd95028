package triggers_test

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// What an app does, and whether the consumer must learn of it.
func TestBell(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		row, statement string
		rings          bool
	}{
		"queued":                      {never, "UPDATE contacts SET hubspot_processing_status = 'Queued'", true},
		"queued after an error":       {failed, "UPDATE contacts SET hubspot_processing_status = 'Queued'", true},
		"queued in flight":            {working, "UPDATE contacts SET hubspot_processing_status = 'Queued'", true},
		"back-off cut short":          {backingOff, "UPDATE contacts SET hubspot_processing_status = 'Queued'", true},
		"another time":                {backingOff, "UPDATE contacts SET next_retry_at = now()", true},
		"inserted":                    {never, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')", true},
		"inserted with nothing to do": {never, "INSERT INTO contacts (email) VALUES ('a')", false},
		"another column":              {never, "UPDATE contacts SET name = 'x'", false},
		"another column of a queued":  {backingOff, "UPDATE contacts SET name = 'x'", false},
		"taken out of the queue":      {backingOff, "UPDATE contacts SET hubspot_processing_status = NULL", false},
		"a time without a request":    {never, "UPDATE contacts SET next_retry_at = now()", false},
		"deleted":                     {backingOff, "DELETE FROM contacts", false},
		"rolled back":                 {never, "BEGIN; UPDATE contacts SET hubspot_processing_status = 'Queued'; ROLLBACK", false},
		"a worker's retry":            {working, "SET contactsync.worker = 'on'; UPDATE contacts SET hubspot_processing_status = 'Queued', next_retry_at = now()", false},
		"a worker's insert":           {never, "SET contactsync.worker = 'on'; INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')", false},
		// A documented limit: such a session fires no trigger; the tick finds the row.
		"a replica's session": {never, "SET session_replication_role = replica; UPDATE contacts SET hubspot_processing_status = 'Queued'", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			c := newConsumer(t, url)
			for _, asleep := range []bool{true, false} {
				pgtest.Exec(t, url, "SET contactsync.worker = 'on'", "DELETE FROM contacts",
					"INSERT INTO contacts (hubspot_processing_status, retry_count, hubspot_processing_error, hubspot_error_code, next_retry_at) VALUES ("+test.row+")")
				want := 0
				if asleep && test.rings {
					want = 1
				}
				if asleep && !c.sleep() {
					t.Fatal("nobody else has the doorbell")
				}
				app := pgtest.Connect(t, url)
				for statement := range strings.SplitSeq(test.statement, "; ") {
					c.exec(app, statement)
				}
				if heard := c.heard(); heard != want {
					t.Errorf("heard %d notifications, want %d (asleep: %v)", heard, want, asleep)
				}
				if asleep {
					c.wake()
				}
			}
		})
	}
}

// A writer that says nothing keeps the consumer from falling asleep, until its
// transaction has ended either way.
func TestSilentWriterHoldsTheDoorbell(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{"COMMIT", "ROLLBACK"} {
		t.Run(ending, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			c, app := newConsumer(t, url), pgtest.Connect(t, url)
			c.exec(app, "BEGIN")
			c.exec(app, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')")
			if c.sleep() {
				t.Fatal("the consumer fell asleep although a writer kept silent")
			}
			c.exec(app, ending)
			if !c.sleep() {
				t.Error("the doorbell was not given back")
			}
		})
	}
}

// Who edits a contact that waits, and does not ask for anything, keeps nobody awake.
func TestAnEditOfAQueuedRowLeavesTheDoorbellAlone(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')")
	c, app := newConsumer(t, url), pgtest.Connect(t, url)
	c.exec(app, "BEGIN")
	c.exec(app, "UPDATE contacts SET name = 'x'")
	if !c.sleep() {
		t.Error("the consumer cannot fall asleep")
	}
}

// An update of rows that are not queued, which leaves the status alone, calls no
// function at all. (One of a Queued row does, and one that writes the status that
// the row has.)
func TestUnrelatedUpdatesPayNothing(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "INSERT INTO contacts (hubspot_processing_status) VALUES (NULL), ('Processing'), ('Complete'), ('Error')")
	calls := func(statement string) string {
		var text strings.Builder
		conn := pgtest.Connect(t, url)
		result, err := conn.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS OFF) "+statement)
		if err != nil {
			t.Fatal(err)
		}
		for result.Next() {
			var line string
			if err := result.Scan(&line); err != nil {
				t.Fatal(err)
			}
			text.WriteString(line + "\n")
		}
		if err := result.Err(); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	if plan := calls("UPDATE contacts SET name = 'x', updated_at = now()"); strings.Contains(plan, "Trigger") {
		t.Errorf("an unrelated update ran triggers:\n%s", plan)
	}
	if plan := calls("UPDATE contacts SET hubspot_processing_status = 'Queued'"); !strings.Contains(plan, "Trigger zz_contactsync_requeue") {
		t.Errorf("the test is void: a request ran no triggers:\n%s", plan)
	}
}

// The app's role needs no rights on anything of contactsync's.
func TestAppNeedsNoRights(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	role, app := pgtest.Role(t, url)
	pgtest.Exec(t, url, "INSERT INTO contacts (email) VALUES ('a@example.org')",
		"GRANT SELECT, INSERT, UPDATE ON contacts TO "+role)
	c := newConsumer(t, url)
	c.sleep()
	pgtest.Exec(t, app, "UPDATE contacts SET hubspot_processing_status = 'Queued'",
		"INSERT INTO contacts (hubspot_processing_status, hubspot_sync_status) VALUES ('Queued', 'Selected')")
	if heard := c.heard(); heard != 2 {
		t.Errorf("heard %d notifications, want 2", heard)
	}
}

// A partition's triggers use the same doorbell as the whole table's.
func TestBellOfPartitions(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := partitioned(t)
	c := newConsumer(t, url)
	c.sleep()
	for _, statement := range []string{
		"INSERT INTO contacts (hubspot_processing_status) SELECT 'Queued' FROM generate_series(1, 20)",
		"UPDATE contacts SET hubspot_processing_status = 'Queued', next_retry_at = now()",
		"UPDATE contacts_0 SET hubspot_processing_status = 'Queued'",
		"INSERT INTO contacts_1 (id, hubspot_processing_status) SELECT id, 'Queued' FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 50)) s WHERE satisfies_hash_partition('contacts'::regclass, 2, 1, id) LIMIT 1",
	} {
		pgtest.Exec(t, url, statement)
		if heard := c.heard(); heard != 1 {
			t.Errorf("heard %d notifications, want 1, of %s", heard, statement)
		}
	}
}

// A documented limit: who notified cannot prepare; who kept silent can, and
// keeps the consumer awake until the prepared transaction is over.
func TestPreparedTransactions(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	name := "p" + pgtest.Value[string](t, url, "SELECT current_database()::text")
	c, app := newConsumer(t, url), pgtest.Connect(t, url)
	c.exec(app, "BEGIN")
	c.exec(app, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')")
	if _, err := app.Exec(t.Context(), "PREPARE TRANSACTION '"+name+"'"); err != nil {
		t.Fatalf("a silent writer could not prepare: %v", err)
	}
	if c.sleep() {
		t.Error("the consumer fell asleep over a prepared transaction")
	}
	c.exec(app, "COMMIT PREPARED '"+name+"'")
	if !c.sleep() {
		t.Fatal("the doorbell was not given back")
	}
	c.exec(app, "BEGIN")
	c.exec(app, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')")
	if _, err := app.Exec(t.Context(), "PREPARE TRANSACTION '"+name+"'"); err == nil || !strings.Contains(err.Error(), "NOTIFY") {
		t.Errorf("error %v, want the server's refusal to prepare after a NOTIFY", err)
	}
}
