package schema_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// building says that an index build waits for somebody's transaction.
const building = `SELECT EXISTS (SELECT FROM pg_stat_activity
	WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX CONCURRENTLY%')`

func tableWithStatus() []string {
	return []string{
		"CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text)",
		"INSERT INTO contacts (email) SELECT n || '@example.org' FROM generate_series(1, 1000) n",
	}
}

// An old transaction holds the index build up; a second run must wait without
// holding it up, too.
func TestTwoUpsAtOnce(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, append(tableWithStatus(), "CREATE TABLE elsewhere ()")...)
	end := begin(t, url, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT FROM elsewhere")

	results := make([]schema.Result, 3)
	var group errgroup.Group
	for i := range results {
		group.Go(func() (err error) {
			results[i], err = schema.Up(t.Context(), url, hubspotAlone, logger(t))
			return err
		})
	}
	pgtest.Eventually(t, url, building)
	// The runs that wait are idle, not blocked: nobody waits for the lock.
	if n := pgtest.Value[int](t, url, "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = $1 AND objid::int = $2 AND NOT granted",
		schema.LockClass, schema.LockObject); n != 0 {
		t.Errorf("%d runs are blocked waiters", n)
	}
	end()
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	var applied []string
	for _, r := range results {
		applied = append(applied, r.Applied...)
	}
	if !slices.Equal(applied, allSteps) {
		t.Errorf("three runs applied %q together, want each migration once", applied)
	}
}

func TestInterruptedBuildIsRepeated(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, append(tableWithStatus(), "CREATE TABLE elsewhere ()")...)
	end := begin(t, url, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT FROM elsewhere")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group errgroup.Group
	group.Go(func() error {
		_, err := schema.Up(ctx, url, hubspotAlone, logger(t))
		return err
	})
	pgtest.Eventually(t, url, building)
	// The app is not held up by what holds the build up.
	pgtest.Exec(t, url, "SET lock_timeout = '10s'; UPDATE contacts SET email = 'written meanwhile'")
	cancel()
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want a cancellation", err)
	}
	const invalid = "SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = 'contacts'::regclass AND NOT indisvalid)"
	if !pgtest.Value[bool](t, url, invalid) {
		t.Fatal("the test is void: the cancelled build left no INVALID index")
	}
	end()
	up(t, url)
	if pgtest.Value[bool](t, url, invalid) || len(indexes(t, url)) != 4 {
		t.Errorf("indexes %q, want 4 valid ones", indexes(t, url))
	}
}

// A build that waits says for whom, and asking does not hold it up.
func TestBuildSaysForWhomItWaits(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, append(tableWithStatus(), "CREATE TABLE elsewhere ()")...)
	end := begin(t, url+"&application_name=nightly-report", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT FROM elsewhere")
	log := newEvents("the index build waits for another session's transaction")
	var group errgroup.Group
	group.Go(func() error {
		_, err := schema.UpWatchful(t.Context(), url, hubspotAlone, log.logger())
		return err
	})
	select {
	case <-log.seen:
	case <-t.Context().Done():
		t.Fatal("it never said for whom it waits")
	}
	end()
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if session := log.first("session"); !strings.Contains(session, "nightly-report") {
		t.Errorf("it waits for %s, want nightly-report", session)
	}
}

func TestBlockedByAStranger(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, tableWithStatus()...)
	stranger := url + "&application_name=nightly-report"
	begin(t, stranger, "SELECT count(*) FROM contacts")

	_, err := schema.UpOnce(t.Context(), url, hubspotAlone, logger(t))
	blocked, ok := errors.AsType[*schema.BlockedError](err)
	if !ok {
		t.Fatalf("error %v, want a *BlockedError", err)
	}
	if len(blocked.Sessions) != 1 || blocked.Sessions[0].Application != "nightly-report" {
		t.Errorf("blamed %+v, want nightly-report", blocked.Sessions)
	}
	for _, text := range []string{"nightly-report", "pg_terminate_backend", "SELECT count(*) FROM contacts"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q: %v", text, err)
		}
	}
	// What is printed ends it.
	pgtest.Exec(t, url, regexp.MustCompile(`SELECT pg_terminate_backend\(\d+\)`).FindString(err.Error()))
	if result := up(t, url); !slices.Equal(result.Applied, allSteps[1:]) {
		t.Errorf("later applied %q, want what was left", result.Applied)
	}
}

// The triggers' lock is given up, too, and tried again.
func TestUpTriesAgain(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "UPDATE contactsync.installed SET detail = 'older' WHERE kind = 'triggers'")
	end := begin(t, url, "LOCK TABLE contacts IN ROW EXCLUSIVE MODE")
	log := newEvents("contacts is locked by another session; trying again")
	var group errgroup.Group
	group.Go(func() error {
		result, err := schema.Up(t.Context(), url, hubspotAlone, log.logger())
		if err == nil && !slices.Contains(result.Applied, "triggers") {
			err = errors.New("up applied no triggers")
		}
		return err
	})
	select {
	case <-log.seen:
	case <-t.Context().Done():
		t.Fatal("up never said that it tries again")
	}
	end()
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
