package queue

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// copied returns a copy of the database, which everybody has left.
func (b *bench) copied() *bench {
	b.Helper()
	name := b.ask(`SELECT current_database()`)
	if err := b.app.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	other := pgtest.Connect(b.TB, pgtest.Empty(b.TB))
	for _, sql := range []string{
		`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '` + name + `'`,
		`CREATE DATABASE ` + name + `_copy TEMPLATE ` + name,
	} {
		if _, err := other.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	b.Cleanup(func() {
		if _, err := other.Exec(context.WithoutCancel(b.Context()), `DROP DATABASE `+name+`_copy WITH (FORCE)`); err != nil {
			b.Error(err)
		}
	})
	return benchOn(b.TB, strings.Replace(b.url, "/"+name, "/"+name+"_copy", 1))
}

// A database that is swapped for a copy of it from some time ago remembers as sent what
// was overwritten since.
func TestACopyRemembersNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1)
	moves := 0
	var seen Seen
	options := func(o *Options) {
		o.Remember, o.Seen, o.OnMoved = true, &seen, func(context.Context) { moves++ }
	}
	q := b.leader(0, options)
	send(t, q, "V1", synced)
	b.requeue()
	want(t, "the same again", send(t, q, "V1", synced), false)
	for range 2 { // another term of the same process
		die(t, q)
		q = b.leader(0, options)
	}
	b.requeue()
	want(t, "the same in another term", send(t, q, "V1", synced), false)
	if moves != 0 {
		t.Errorf("the database is said to have moved %d times", moves)
	}
	die(t, q)

	copied := b.copied()
	q = copied.leader(0, options)
	if moves != 1 {
		t.Errorf("the database is said to have moved %d times, want once", moves)
	}
	copied.requeue()
	want(t, "in the copy", send(t, q, "V1", synced), true)
	copied.requeue()
	want(t, "the same again in the copy", send(t, q, "V1", synced), false)
}

// One that was set back under the same name and server is noticed by its counter.
func TestACounterThatWentBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1)
	var seen Seen
	options := func(o *Options) { o.Remember, o.Seen = true, &seen }
	q := b.leader(0, options)
	before := b.ask(`SELECT last_value::text FROM contactsync.cycles_id_seq`)
	for _, hash := range []string{"V1", "V2", "V1"} {
		send(t, q, hash, synced)
		b.requeue()
	}
	die(t, q)
	b.exec(fmt.Sprintf(`SELECT setval('contactsync.cycles_id_seq', %s)`, before))
	b.exec(`DELETE FROM contactsync.cycles`)
	q = b.leader(0, options)
	want(t, "after the counter went back", send(t, q, "V1", synced), true)
	b.requeue()
	want(t, "the same again", send(t, q, "V1", synced), false)
}

// A server that keeps its identity to itself is no reason not to lead.
func TestAServerThatDoesNotTellWhoItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1)
	b.exec(`ALTER FUNCTION pg_control_system() RENAME TO not_here`)
	b.exec(`ALTER FUNCTION pg_walfile_name(pg_lsn) RENAME TO neither`)
	q := b.leader(0, func(o *Options) { o.Remember = true })
	send(t, q, "V1", synced)
}
