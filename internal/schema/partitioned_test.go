package schema_test

import (
	"slices"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// Two levels, a default partition, and names that are long and alike.
func partitionedTable() []string {
	const long = "contacts_of_a_region_with_a_name_that_is_longer_than_forty_chars_"
	return []string{
		`CREATE TABLE contacts (id uuid NOT NULL DEFAULT gen_random_uuid(), region text NOT NULL, email text, updated_at timestamptz DEFAULT now(),
			PRIMARY KEY (id, region)) PARTITION BY LIST (region)`,
		"CREATE TABLE " + long[:60] + "_a PARTITION OF contacts FOR VALUES IN ('a')",
		"CREATE TABLE " + long[:60] + "_b PARTITION OF contacts FOR VALUES IN ('b')",
		"CREATE TABLE contacts_c PARTITION OF contacts FOR VALUES IN ('c') PARTITION BY HASH (id)",
		"CREATE TABLE contacts_c0 PARTITION OF contacts_c FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
		"CREATE TABLE contacts_c1 PARTITION OF contacts_c FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
		"CREATE TABLE contacts_rest PARTITION OF contacts DEFAULT",
		"INSERT INTO contacts (region, email) SELECT r, r || n FROM unnest('{a,b,c,d}'::text[]) r, generate_series(1, 50) n",
	}
}

const onPartitions = `SELECT count(*)::int FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid
	WHERE i.indrelid::regclass::text LIKE 'contacts%' AND i.indisvalid AND i.indexrelid::regclass::text LIKE '%contactsync%'`

func TestUpOnPartitionedTable(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, partitionedTable()...)
	before := columns(t, url)
	up(t, url)
	if err := check(t, url); err != nil {
		t.Errorf("check: %v", err)
	}
	if len(indexes(t, url)) != 4 {
		t.Errorf("valid indexes on the parent: %q, want 4", indexes(t, url))
	}
	if n := pgtest.Value[int](t, url, onPartitions); n != 4*6 {
		t.Errorf("%d valid indexes on partitions, want 4 on each of 6", n)
	}
	pgtest.Exec(t, url, "CREATE TABLE contacts_new PARTITION OF contacts FOR VALUES IN ('new')")
	if n := pgtest.Value[int](t, url, "SELECT count(*)::int FROM pg_index WHERE indrelid = 'contacts_new'::regclass AND indisvalid"); n != 5 {
		t.Errorf("a later partition has %d indexes, want 4 and the primary key", n)
	}

	pgtest.Exec(t, url, "UPDATE contacts SET retry_count = 2, hubspot_error_code = 'X'",
		"UPDATE contacts SET hubspot_processing_status = 'Queued'")
	if n := pgtest.Value[int](t, url, "SELECT count(*)::int FROM contacts WHERE retry_count = 0 AND hubspot_error_code IS NULL"); n != 200 {
		t.Errorf("%d of 200 rows got a fresh budget", n)
	}
	if n := pgtest.Value[int](t, url, "SELECT due::int FROM contactsync.status"); n != 200 {
		t.Errorf("status counts %d due rows, want 200", n)
	}

	// The triggers' text changes while their clones are on the partitions.
	pgtest.Exec(t, url, "UPDATE contactsync.installed SET detail = 'older' WHERE kind = 'triggers'")
	if result := up(t, url); !slices.Contains(result.Applied, "triggers") {
		t.Error("stale triggers were not applied again")
	}
	if _, err := schema.Down(t.Context(), url, hubspotAlone, true, logger(t)); err != nil {
		t.Fatal(err)
	}
	if after := columns(t, url); len(after) != len(before) {
		t.Errorf("down left %q", after)
	}
}

// A run that was cut in the middle is gone on with, whatever it had reached.
func TestUpGoesOnWithAPartitionedTable(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, partitionedTable()...)
	up(t, url)
	pgtest.Exec(t, url,
		"DELETE FROM contactsync.installed WHERE kind = 'index' AND name ~ 'error|retry'",
		"DROP INDEX contacts_contactsync_error, contacts_contactsync_retry",
		"CREATE INDEX contacts_contactsync_retry ON ONLY contacts (next_retry_at) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NOT NULL")
	up(t, url)
	if n := pgtest.Value[int](t, url, onPartitions); n != 4*6 || len(indexes(t, url)) != 4 {
		t.Errorf("%d indexes on partitions and %q, want 24 and 4", n, indexes(t, url))
	}
}
