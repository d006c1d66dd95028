package leader

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// stuck is a session that holds a slot and whose client stopped in the middle of a
// pipeline: the server waits for the rest as if a statement were under way.
func stuck(t *testing.T, url string, slot int) (pid uint32) {
	t.Helper()
	conn, err := database.Connect(t.Context(), url, "stuck")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.PgConn().Conn().Close() })
	if _, err := conn.Exec(t.Context(), `SELECT pg_advisory_lock($1, $2)`, destination.LockClass, hubspot.Info.SlotLock(slot)); err != nil {
		t.Fatal(err)
	}
	pipeline := conn.PgConn().StartPipeline(t.Context())
	pipeline.SendQueryParams(`SELECT 1`, nil, nil, nil, nil)
	pipeline.SendFlushRequest() // and no Sync
	if err := pipeline.Flush(); err != nil {
		t.Fatal(err)
	}
	return conn.PgConn().PID()
}

// between is a query that is true while a session waits within a pipeline.
const between = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event = 'ClientRead')`

// A leader that went silent between two statements that were sent together holds
// its slot until a follower ends its session, after the lease and not before. A
// session in the same state that holds no slot of ours is left alone, and so is one
// that holds a slot and is at rest.
func TestLeaderIsSilentWithinAPipeline(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	began := time.Now()
	holding, other := stuck(t, url, 0), stuck(t, url, 7)
	eventually(t, db, "the holder waits within a pipeline", between, holding)
	atRest, err := database.Connect(t.Context(), url, "rest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = atRest.Close(t.Context()) })
	if _, err := atRest.Exec(t.Context(), `SELECT pg_advisory_lock($1, $2)`, destination.LockClass, hubspot.Info.SlotLock(1)); err != nil {
		t.Fatal(err)
	}
	c := run(t, url, "c", timed(quick()), slots(2))
	if got := await(t, c).session.Slot(); got != 0 {
		t.Errorf("it leads slot %d, want that of the silent one", got)
	}
	if led := time.Since(began); led < quick().lease {
		t.Errorf("it leads after %v, before the lease of %v is over", led, quick().lease)
	}
	var left bool
	if err := db.QueryRow(t.Context(), between, other).Scan(&left); err != nil || !left {
		t.Errorf("the session that holds no slot is there: %t, %v", left, err)
	}
	if err := atRest.QueryRow(t.Context(), `SELECT true`).Scan(&left); err != nil {
		t.Errorf("the session at rest is gone: %v", err)
	}
}

// A candidate whose session cannot write leaves the slot to others, logs it once,
// and tries with new sessions until one can: a setting of the database is a
// session's for good.
func TestReadOnlySessionsDoNotLead(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	set := func(value string) {
		t.Helper()
		_, err := db.Exec(t.Context(), `DO $$ BEGIN SET LOCAL transaction_read_only = off;
			EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = `+value+`', current_database()); END $$`, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
	}
	set("on")
	c := run(t, url, "c")
	tried := func() (n int) {
		if err := db.QueryRow(t.Context(), `SELECT sessions::int FROM pg_stat_database WHERE datname = current_database()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for begun, end := tried(), time.Now().Add(patience); tried() < begun+3; {
		if len(c.led) > 0 {
			t.Fatal("it leads on a session that cannot write")
		}
		if time.Now().After(end) {
			t.Fatal("it does not try again")
		}
	}
	set("off")
	await(t, c)
	c.stops(t)
	warnings := 0
	for _, line := range c.log.all() {
		if len(line) > 4 && line[:4] == "WARN" {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("%d warnings, want one:\n%v", warnings, c.log.all())
	}
}
