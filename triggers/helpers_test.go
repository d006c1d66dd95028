package triggers_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// consumer is the other side of the doorbell: it sleeps or is awake as a test
// says, and counts what it hears.
type consumer struct {
	*testing.T
	conn  *pgx.Conn
	see   *pgx.Conn // of somebody who looks on
	armed bool

	doorbell int               // the second key of the lock
	words    *strings.Replacer // from HubSpot on contacts to what the test is about
}

func newConsumer(t *testing.T, url string) *consumer {
	t.Helper()
	c := &consumer{T: t, conn: pgtest.Connect(t, url), see: pgtest.Connect(t, url), doorbell: hubspot.Info.Doorbell(), words: strings.NewReplacer()}
	c.exec(c.conn, "LISTEN contact_queued")
	return c
}

func (c *consumer) exec(conn *pgx.Conn, statement string, args ...any) {
	c.Helper()
	if _, err := conn.Exec(c.Context(), statement, args...); err != nil {
		c.Fatalf("%v\nin %s", err, statement)
	}
}

// sleep tries for the doorbell and says whether it was to be had.
func (c *consumer) sleep() bool {
	c.Helper()
	err := c.conn.QueryRow(c.Context(), "SELECT pg_try_advisory_lock($1, $2)", destination.LockClass, c.doorbell).Scan(&c.armed)
	if err != nil {
		c.Fatal(err)
	}
	return c.armed
}

func (c *consumer) wake() {
	c.Helper()
	c.exec(c.conn, "SELECT pg_advisory_unlock($1, $2)", destination.LockClass, c.doorbell)
	c.armed = false
}

// toggle goes to sleep, if it can, or wakes up.
func (c *consumer) toggle() {
	c.Helper()
	if c.armed {
		c.wake()
	} else {
		c.sleep()
	}
}

// heard counts the notifications of all that was committed before. Postgres
// delivers in the order of commits, so what follows is the end of them.
func (c *consumer) heard() (count int) {
	c.Helper()
	c.exec(c.see, "NOTIFY contact_queued, 'end'")
	for {
		n, err := c.conn.WaitForNotification(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		if n.Payload == "end" {
			return count
		}
		count++
	}
}

// holdsBell says whether a backend holds a doorbell shared.
func (c *consumer) holdsBell(pid uint32, doorbell int) (held bool) {
	c.Helper()
	err := c.see.QueryRow(c.Context(), `SELECT EXISTS (SELECT FROM pg_locks
		WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND objsubid = 2
		  AND classid::bigint = $1 AND objid::bigint = $2 AND pid = $3::bigint)`,
		destination.LockClass, doorbell, int64(pid)).Scan(&held)
	if err != nil {
		c.Fatal(err)
	}
	return held
}

// partitioned is a migrated database whose contacts are partitioned.
func partitioned(t *testing.T) string {
	t.Helper()
	url := pgtest.Empty(t)
	pgtest.Exec(t, url,
		`CREATE TABLE contacts (id uuid NOT NULL DEFAULT gen_random_uuid(), email text, name text, updated_at timestamptz DEFAULT now(), PRIMARY KEY (id))
			PARTITION BY HASH (id)`,
		"CREATE TABLE contacts_0 PARTITION OF contacts FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
		"CREATE TABLE contacts_1 PARTITION OF contacts FOR VALUES WITH (MODULUS 2, REMAINDER 1)")
	pgtest.Migrate(t, url)
	return url
}
