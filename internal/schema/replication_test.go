package schema_test

import (
	"net/url"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// withDatabase is the URL of another database of the same server.
func withDatabase(t *testing.T, databaseURL, name string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("parse the database URL") // the error would quote it
	}
	u.Path = "/" + name
	return u.String()
}

// A subscriber without our tables or columns stops for all tables: that is said before
// anything is touched, and what is printed keeps it going.
func TestPublications(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	first, second := twoDatabases(t, map[string]string{"wal_level": "logical", "max_replication_slots": "20", "max_wal_senders": "20", "max_logical_replication_workers": "8"})
	app := []string{"CREATE TABLE contacts (id bigint PRIMARY KEY, email text, name text)", "CREATE TABLE orders (id bigint PRIMARY KEY)"}
	tests := []struct {
		name, publication string
		says              []string // nil: it is nobody's harm
		at15              bool     // from PostgreSQL 15 on
	}{
		{"all tables", "FOR ALL TABLES", []string{"publication p takes what is added along", "subscribers (logical replication slot s)", "contactsync migrate up --yes` on each subscriber"}, false},
		{"contacts", "FOR TABLE contacts, orders", []string{"publication p has every column of public.contacts", "on each subscriber: ALTER TABLE public.contacts ADD COLUMN IF NOT EXISTS"}, false},
		{"their schema", "FOR TABLES IN SCHEMA public", []string{"publication p has every column of public.contacts"}, true},
		{"some columns", "FOR TABLE contacts (id, email), orders", nil, true},
		{"other tables", "FOR TABLE orders", nil, false},
	}
	for _, test := range tests { //nolint:paralleltest // they share two servers
		t.Run(test.name, func(t *testing.T) {
			if test.at15 && pgtest.Value[int](t, first, "SELECT current_setting('server_version_num')::int") < 150000 {
				return // there is no such publication
			}
			for _, db := range []string{first, second} {
				pgtest.Exec(t, db, "DROP SCHEMA IF EXISTS contactsync CASCADE", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
				pgtest.Exec(t, db, app...)
			}
			pgtest.Exec(t, first, "CREATE PUBLICATION p "+test.publication)
			// Nobody reads it yet.
			o := hubspotAlone
			o.DryRun = true
			if _, err := schema.Up(t.Context(), first, o, logger(t)); err != nil {
				t.Errorf("without a subscriber: %v", err)
			}
			pgtest.Exec(t, first, "SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
			// On one server the slot has to be there first.
			u, err := url.Parse(first)
			if err != nil {
				t.Fatal("parse the URL")
			}
			pgtest.Exec(t, second, "CREATE SUBSCRIPTION s CONNECTION '"+u.String()+"' PUBLICATION p WITH (create_slot = false, copy_data = false, slot_name = 's')")
			defer pgtest.Exec(t, first, "DROP PUBLICATION p")
			defer pgtest.Exec(t, second, "DROP SUBSCRIPTION s")
			arrives(t, first, second, 1)

			before := everythingThere(t, first)
			_, err = schema.Up(t.Context(), first, hubspotAlone, logger(t))
			if test.says == nil {
				if err != nil {
					t.Fatal(err)
				}
				pgtest.Exec(t, first, "UPDATE contacts SET hubspot_processing_status = 'Queued'")
				arrives(t, first, second, 2)
				return
			}
			consent(t, err, test.says...)
			leftNothing(t, first, before)
			told := hubspotAlone
			told.Yes = true
			if sql := statements(remedies(t, err)); len(sql) > 0 {
				pgtest.Exec(t, second, sql...)
			} else {
				_, err := schema.Up(t.Context(), second, hubspotAlone, logger(t))
				consent(t, err, "public.contacts is filled by subscription s", "sync the publisher's contacts instead")
				if _, err := schema.Up(t.Context(), second, told, logger(t)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := schema.Up(t.Context(), first, told, logger(t)); err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, first, "UPDATE contacts SET hubspot_processing_status = 'Queued'", "INSERT INTO contactsync.failures (code) VALUES ('OTHER')")
			arrives(t, first, second, 2)
			// Where there is nothing to add there is nothing to say.
			if _, err := schema.Up(t.Context(), first, hubspotAlone, logger(t)); err != nil {
				t.Errorf("up again: %v", err)
			}
		})
	}
}

// arrives waits until a row that is written now is there as well.
func arrives(t *testing.T, from, to string, id int) {
	t.Helper()
	pgtest.Exec(t, from, "INSERT INTO orders VALUES ("+string(rune('0'+id))+")", "INSERT INTO contacts (id, email) VALUES ("+string(rune('0'+id))+", 'a@example.org') ON CONFLICT DO NOTHING")
	pgtest.Eventually(t, to, "SELECT EXISTS (SELECT FROM orders WHERE id = $1)", id)
}

// A physical standby, and a slot that reads without publications, stop at nothing of ours.
func TestOtherSlots(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db, _ := twoDatabases(t, map[string]string{"wal_level": "logical"})
	pgtest.Exec(t, db, "CREATE PUBLICATION p FOR ALL TABLES", "SELECT pg_create_physical_replication_slot('standby')")
	up(t, db)
}

// Supabase's Realtime reads a publication that has contacts, and is no subscriber with a
// table of its own. Another reader beside it still counts.
func TestRealtimeIsNoSubscriber(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db, _ := twoDatabases(t, map[string]string{"wal_level": "logical"})
	pgtest.Exec(t, db, "CREATE TABLE contacts (id bigint PRIMARY KEY, email text, name text)", "CREATE PUBLICATION supabase_realtime FOR TABLE contacts",
		"SELECT pg_create_logical_replication_slot('supabase_realtime_replication_slot', 'pgoutput')", "SELECT pg_create_logical_replication_slot('other', 'pgoutput')")
	_, err := schema.Up(t.Context(), db, hubspotAlone, logger(t))
	consent(t, err, "subscribers (logical replication slot other)")
	pgtest.Exec(t, db, "SELECT pg_drop_replication_slot('other')")
	up(t, db)
}

// In a publication of all tables one without a key could not be written to.
func TestOurTablesHaveKeys(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	without := pgtest.Value[[]string](t, pgtest.New(t), `SELECT coalesce(array_agg(c.relname::text), '{}') FROM pg_class c
		WHERE c.relnamespace = 'contactsync'::regnamespace AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)`)
	if len(without) > 0 {
		t.Errorf("tables without a primary key: %q", without)
	}
}
