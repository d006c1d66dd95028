package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// another app's table: sixty columns, its own enums, varchar, no time zones,
// some of the contract's columns there already.
func wideTable() []string {
	var extra strings.Builder
	for i := range 48 {
		fmt.Fprintf(&extra, ", extra_%d varchar(%d) NOT NULL DEFAULT 'x'", i, 10+i)
	}
	return []string{
		"CREATE TYPE crm_sync AS ENUM ('New', 'Selected', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped')",
		"CREATE TYPE crm_work AS ENUM ('Error', 'Complete', 'Processing', 'Queued', 'Paused')",
		`CREATE TABLE contacts (
			id uuid PRIMARY KEY, email varchar(255) UNIQUE NOT NULL, name varchar, phone_number varchar(50), domain_id uuid, page_id uuid,
			hubspot_sync_status crm_sync NOT NULL DEFAULT 'New', hubspot_processing_status crm_work,
			hubspot_processing_error varchar, next_retry_at timestamp, created_at timestamp DEFAULT now(), updated_at timestamp` + extra.String() + ")",
	}
}

func TestUpOnExistingTable(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, wideTable()...)
	pgtest.Exec(t, url, "INSERT INTO contacts (id, email, updated_at) SELECT gen_random_uuid(), n || '@example.org', '2026-01-01' FROM generate_series(1, 50) n")
	const content = `SELECT md5(string_agg(md5(format('%s%s%s%s%s%s', id, email, hubspot_sync_status, updated_at, created_at, extra_47)), '' ORDER BY id)) FROM contacts`
	before, beforeRows := columns(t, url), pgtest.Value[string](t, url, content)

	up(t, url)
	if err := check(t, url); err != nil {
		t.Errorf("check: %v", err)
	}
	after := columns(t, url)
	if got, want := strings.Join(after[:len(before)], "\n"), strings.Join(before, "\n"); got != want {
		t.Errorf("the app's columns changed:\n%s\nwere\n%s", got, want)
	}
	if len(after) != len(before)+7 {
		t.Errorf("added %q, want the 7 missing columns", after[len(before):])
	}
	if pgtest.Value[string](t, url, content) != beforeRows {
		t.Error("the app's data changed")
	}

	// What the queue does to a row works with these types.
	pgtest.Exec(t, url,
		"UPDATE contacts SET hubspot_processing_status = 'Queued', next_retry_at = now() + interval '1 hour' WHERE email = '1@example.org'",
		"UPDATE contacts SET hubspot_processing_status = 'Processing', hubspot_sync_status = 'Processing', updated_at = now() WHERE email = '2@example.org'")
	status := pgtest.Value[string](t, url, "SELECT format('%s %s %s %s', queued, due, waiting, processing) FROM contactsync.status")
	if status != "1 0 1 1" {
		t.Errorf("status %s, want 1 0 1 1", status)
	}

	if _, err := schema.Down(t.Context(), url, hubspotAlone, true, logger(t)); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(columns(t, url), "\n"), strings.Join(before, "\n"); got != want {
		t.Errorf("down left\n%s\nwant\n%s", got, want)
	}
	if n := pgtest.Value[int](t, url, "SELECT count(*)::int FROM contacts"); n != 50 {
		t.Errorf("%d of 50 rows are left", n)
	}
	if pgtest.Value[bool](t, url, `SELECT to_regnamespace('contactsync') IS NOT NULL
		OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'contacts'::regclass AND NOT tgisinternal)
		OR EXISTS (SELECT FROM pg_class WHERE relname LIKE '%contactsync%')`) {
		t.Error("down --all left something of contactsync behind")
	}
}

// Old rows stay out of the way of a column with a default: nothing is rewritten.
func TestUpOnAMillionRows(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url,
		"CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, name text, seen int DEFAULT 0)",
		"INSERT INTO contacts (email, name) SELECT n || '@example.org', 'n' FROM generate_series(1, 1000000) n")
	file := pgtest.Value[uint32](t, url, "SELECT relfilenode FROM pg_class WHERE oid = 'contacts'::regclass")

	// An app goes on writing all the while.
	writer := pgtest.Connect(t, url)
	id := pgtest.Value[string](t, url, "SELECT id::text FROM contacts LIMIT 1")
	done, stopped := make(chan struct{}), make(chan error, 1)
	var writes int
	var longest time.Duration
	go func() {
		var err error
		for err == nil {
			select {
			case <-done:
				stopped <- nil
				return
			default:
			}
			began := time.Now()
			_, err = writer.Exec(t.Context(), "UPDATE contacts SET seen = seen + 1 WHERE id = $1", id)
			longest = max(longest, time.Since(began))
			writes++
		}
		stopped <- err
	}()
	began := time.Now()
	up(t, url)
	took := time.Since(began)
	close(done)
	if err := <-stopped; err != nil {
		t.Fatalf("a writer failed during up: %v", err)
	}
	t.Logf("up on 1,000,000 rows took %s; of %d writes meanwhile the longest took %s", took, writes, longest)
	if n := pgtest.Value[int](t, url, "SELECT seen FROM contacts WHERE id = $1", id); n != writes {
		t.Errorf("%d of %d writes are there", n, writes)
	}
	if pgtest.Value[uint32](t, url, "SELECT relfilenode FROM pg_class WHERE oid = 'contacts'::regclass") != file {
		t.Error("the table was rewritten")
	}
	if len(indexes(t, url)) != 4 {
		t.Errorf("indexes: %q", indexes(t, url))
	}
}
