package schema_test

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

func TestUnsuitable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		table  []string
		says   []string
		remedy []string // makes it suitable; nil: what is printed does
	}{
		"an enum lacks values": {
			table: []string{
				"CREATE TYPE work AS ENUM ('Queued', 'Complete')",
				"CREATE TABLE contacts (id uuid PRIMARY KEY, hubspot_processing_status work, hubspot_sync_status work)",
			},
			says: []string{"ALTER TYPE work ADD VALUE 'Processing';", "ALTER TYPE work ADD VALUE 'Error';"},
		},
		"everything at once": {
			table: []string{`CREATE TABLE contacts (id uuid PRIMARY KEY, hubspot_processing_status varchar(9), hubspot_processing_error varchar(255),
				hubspot_error_code text NOT NULL DEFAULT '', next_retry_at timestamptz NOT NULL DEFAULT now())`},
			says: []string{
				"ALTER TABLE public.contacts ALTER COLUMN hubspot_processing_status TYPE text;",
				"ALTER TABLE public.contacts ALTER COLUMN hubspot_processing_error TYPE text;",
				"ALTER TABLE public.contacts ALTER COLUMN hubspot_error_code DROP NOT NULL;",
				"ALTER TABLE public.contacts ALTER COLUMN next_retry_at DROP NOT NULL;",
			},
		},
		"no id": {
			table: []string{"CREATE TABLE contacts (email text)"},
			says:  []string{"ADD COLUMN id uuid"},
		},
		"an id that no index takes": {
			table:  []string{"CREATE TABLE contacts (id json)"},
			says:   []string{"column id of public.contacts is json; it must be a type that can be indexed: uuid, bigint, text"},
			remedy: []string{"DROP TABLE contacts"},
		},
		"wrong types": {
			table: []string{"CREATE TABLE contacts (id uuid PRIMARY KEY, retry_count text, next_retry_at date, hubspot_sync_status int)"},
			says:  []string{"retry_count of public.contacts is text", "next_retry_at of public.contacts is date", "hubspot_sync_status of public.contacts is integer"},
		},
		"a view": {
			table:  []string{"CREATE TABLE people (id uuid PRIMARY KEY)", "CREATE VIEW contacts AS SELECT * FROM people"},
			says:   []string{"public.contacts is not a table but a view", "search_path"},
			remedy: []string{"DROP VIEW contacts"},
		},
		"a domain over a short varchar": {
			table: []string{"CREATE DOMAIN code AS varchar(5)", "CREATE TABLE contacts (id uuid PRIMARY KEY, hubspot_error_code code)"},
			says:  []string{"hubspot_error_code is code; contactsync needs 20 characters"},
		},
		"a generated column": {
			table: []string{"CREATE TABLE contacts (id uuid PRIMARY KEY, a int, retry_count int GENERATED ALWAYS AS (a + 1) STORED)"},
			says:  []string{"retry_count is GENERATED"},
		},
		"another hubspot_queued_at": {
			table: []string{"CREATE TABLE contacts (id uuid PRIMARY KEY, hubspot_queued_at timestamp)"},
			says:  []string{"hubspot_queued_at of public.contacts is timestamp without time zone; it must be timestamptz", "RENAME COLUMN hubspot_queued_at"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, test.table...)
			_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
			unsuitable(t, err, test.says...)
			leftNothing(t, url, nil)
			if test.remedy == nil {
				test.remedy = statements(remedies(t, err))
			}
			pgtest.Exec(t, url, test.remedy...)
			up(t, url)
			if err := check(t, url); err != nil {
				t.Errorf("after the remedy: %v", err)
			}
		})
	}
}
