package progtest

import "time"

// Counts tells the statuses of all contacts as people say them.
const Counts = `SELECT coalesce(string_agg(n || ' ' || s, ', ' ORDER BY s), 'none') FROM (
	SELECT count(*) AS n, concat_ws('/', hubspot_sync_status, hubspot_processing_status) AS s FROM contacts GROUP BY 2) x`

// Exec runs a statement as the app.
func (in *Installation) Exec(sql string, args ...any) {
	in.Helper()
	if _, err := in.App.Exec(in.Context(), sql, args...); err != nil {
		in.Fatalf("%s: %v", sql, err)
	}
}

// Ask answers the one text that a query selects.
func (in *Installation) Ask(sql string, args ...any) string {
	in.Helper()
	var answer *string
	if err := in.App.QueryRow(in.Context(), sql, args...).Scan(&answer); err != nil {
		in.Fatalf("%s: %v", sql, err)
	}
	if answer == nil {
		return "NULL"
	}
	return *answer
}

// Await asks until the answer is the wanted one.
func (in *Installation) Await(want, sql string) {
	in.Helper()
	in.AwaitFor(Patience, want, sql)
}

// AwaitFor is Await with a patience of the test's own.
func (in *Installation) AwaitFor(most time.Duration, want, sql string) {
	in.Helper()
	end := time.Now().Add(most)
	for {
		got := in.Ask(sql)
		if got == want {
			return
		}
		if time.Now().After(end) {
			in.Fatalf("%s: %q, want %q", sql, got, want)
		}
		// The database cannot be subscribed to from here without changing it.
		select {
		case <-time.After(10 * time.Millisecond):
		case <-in.Context().Done():
			in.Fatal(in.Context().Err())
		}
	}
}

// AwaitAsleep waits until a leader sleeps on the doorbell.
func (in *Installation) AwaitAsleep() {
	in.Helper()
	in.Await("1", `SELECT count(*)::text FROM pg_locks l JOIN pg_database d ON d.oid = l.database
		WHERE d.datname = current_database() AND locktype = 'advisory' AND objid = 1 AND mode = 'ExclusiveLock' AND granted`)
}

// Leader is the instance that leads; there must be exactly one.
func (in *Installation) Leader() string {
	in.Helper()
	in.Await("1", `SELECT count(*)::text FROM contactsync.slots`)
	return in.Ask(`SELECT instance FROM contactsync.slots`)
}
