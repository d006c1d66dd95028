package statement_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/statement"
)

func acme() statement.Target {
	info := destination.Info{Name: "acme", Label: "Acme", Ordinal: 7, MaxBatch: 3, Columns: destination.Prefixed("acme", "acme_person_id")}
	table := statement.Table{Name: `app.people`, ID: "bigint", Columns: map[string]string{"id": "person", "email": "Mail", "updated_at": "changed"}}
	return statement.For(table, info, hubspot.Info)
}

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sql, want string }{
		{"table", "SELECT FROM contacts c", "SELECT FROM app.people c"},
		{"schema-qualified is another table", "SELECT FROM contactsync.contacts, x.contacts", "SELECT FROM contactsync.contacts, x.contacts"},
		{"whole identifiers", "contacts_contactsync mycontacts contacts2", "contacts_contactsync mycontacts contacts2"},
		{"columns of the destination anywhere", "SET hubspot_error_code = NULL, retry_count = 0", "SET acme_error_code = NULL, acme_retry_count = 0"},
		{"the remote id", "c.hubspot_contact_id", "c.acme_person_id"},
		{"common names behind the table's alias", "c.id, c.email, x.id, id, email, NEW.id, old.email", `c."person", c."Mail", x.id, id, email, NEW."person", old."Mail"`},
		{"distinct names anywhere", "updated_at = c.updated_at, c.name, page_id", `"changed" = c."changed", c.name, page_id`},
		{"common names that are marked", "(/* c. */id, /* c. */ email, /* c. */name)", `(/* c. */"person", /* c. */ email, /* c. */name)`},
		{"type of the id", "$1::text[]::uuid[], pg_catalog.uuid", "$1::text[]::bigint[], pg_catalog.uuid"},
		{"functions of the destination", "contactsync.hubspot_queue_state(1), hubspot_problems, nohubspot_problems", "contactsync.acme_queue_state(1), acme_problems, nohubspot_problems"},
		{"strings", "'contacts' || E'c.id' || 'it''s contacts' || contacts", "'contacts' || E'c.id' || 'it''s contacts' || app.people"},
		{"the table for the catalog", "'contacts'::regclass, 'contacts'::text, 'contacts' ::regclass", "'app.people'::regclass, 'contacts'::text, 'contacts' ::regclass"},
		{"comments", "-- contacts c.id\ncontacts /* contacts */", "-- contacts c.id\napp.people /* contacts */"},
		{"quoted identifiers", `"contacts" "c".id c."id"`, `"contacts" "c".id c."id"`},
		{"bodies of functions", "AS $body$ SELECT c.id FROM contacts c $body$", `AS $body$ SELECT c."person" FROM app.people c $body$`},
		{"numbers", "1e5 LIMIT 10contacts", "1e5 LIMIT 10contacts"},
		{"the destination's name alone in a string", "'hubspot' 'hubspot sync' 'it''hubspot'", "'acme' 'hubspot sync' 'it''hubspot'"},
		{"locks", "(1668507251, 1 /* doorbell */), 100 /* slot 0 */ + k, 1", "(1668507251, 70001 /* doorbell */), 70100 /* slot 0 */ + k, 1"},
		{"things of which each destination has one", "contactsync.hubspot_queue_state(), contacts_contactsync_queued, zz_contactsync_requeue, zz_contactsync_requeue_named", "contactsync.acme_queue_state(), contacts_contactsync_acme_queued, zz_contactsync_requeue, zz_contactsync_requeue_named_acme"},
		{"unfinished", "'contacts", "'contacts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := acme().Text(tt.sql); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.sql, got, tt.want)
			}
			if got := statement.For(statement.Contacts(), hubspot.Info, hubspot.Info).Text(tt.sql); got != tt.sql {
				t.Errorf("for HubSpot on contacts %q becomes %q, want it as it is written", tt.sql, got)
			}
		})
	}
}

// Nothing that search_path could lead elsewhere.
func TestQualified(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sql, want string }{
		{
			"a comparison of a column", "c.hubspot_processing_status = 'Queued' AND c.next_retry_at <= now() AND c.retry_count<>0",
			"c.acme_processing_status OPERATOR(pg_catalog.=) 'Queued' AND c.acme_next_retry_at OPERATOR(pg_catalog.<=) pg_catalog.now() AND c.acme_retry_count<>0",
		},
		{
			"ids, also those of claims", "c.id = ANY (@x), x.contact_id = c.id, x.id = y.id",
			`c."person" OPERATOR(ext.=) ANY ($1), x.contact_id OPERATOR(ext.=) c."person", x.id = y.id`,
		},
		{"in a trigger", "NEW.email <> OLD.email", `NEW."Mail" OPERATOR(pg_catalog.<>) OLD."Mail"`},
		{"an assignment", "SET hubspot_error_code = c.name, contact_id = 1", "SET acme_error_code = c.name, contact_id = 1"},
		{
			"functions", "min(x), pg_catalog.max(x), contactsync.f(x), coalesce(extract(epoch FROM now()), 0), count (1), ARRAY(x)",
			"pg_catalog.min(x), pg_catalog.max(x), contactsync.f(x), coalesce(extract(epoch FROM pg_catalog.now()), 0), count (1), ARRAY(x)",
		},
		{"arrays", "unnest(@x::text[]), unnest(a, b), unnest(f.g(a, b) || ARRAY[a, b])", "pg_catalog.unnest($1::text[]), unnest(a, b), pg_catalog.unnest(f.g(a, b) || ARRAY[a, b])"},
		{"strings and comments", "'c.id = now()' -- c.id = now()", "'c.id = now()' -- c.id = now()"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := acme()
			target.Table.Operators = "ext"
			if got := target.Statement(tt.sql).SQL; got != tt.want {
				t.Errorf("Statement(%q) = %q, want %q", tt.sql, got, tt.want)
			}
		})
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sql, want string }{
		{
			"once each", "CREATE TRIGGER ON contacts\n    -- each destination\n    IF NEW.retry_count = 'hubspot'\n    -- end\nEND contacts\n",
			"CREATE TRIGGER ON app.people\n    IF NEW.retry_count OPERATOR(pg_catalog.=) 'hubspot'\n    IF NEW.acme_retry_count OPERATOR(pg_catalog.=) 'acme'\nEND app.people\n",
		},
		{"joined", "(\n-- each destination, joined by UNION ALL\nNEW.retry_count\n-- end\n)", "(\nNEW.retry_count\nUNION ALL\nNEW.acme_retry_count\n)"},
		{"locks", "-- each destination\n1 /* doorbell */\n-- end\n1 /* doorbell */", "1 /* doorbell */\n70001 /* doorbell */\n1 /* doorbell */"},
		{"nothing is repeated", "contacts", "app.people"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := statement.Script(acme().Table, []destination.Info{hubspot.Info, acme().Destination}, hubspot.Info, tt.sql)
			if got != tt.want {
				t.Errorf("Script = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	s := acme().Statement("SELECT @ids::text[] @> '{@no}', @n, @ids, a <@ b, '@x', $1 -- @y")
	if want := "SELECT $1::text[] @> '{@no}', $2, $1, a <@ b, '@x', $1 -- @y"; s.SQL != want {
		t.Errorf("SQL = %q, want %q", s.SQL, want)
	}
	if got := s.Args(pgx.NamedArgs{"n": 2, "ids": "i"}); !slices.Equal(got, []any{"i", 2}) {
		t.Errorf("Args = %v, want the values in the order of the arguments", got)
	}
	for name, values := range map[string]pgx.NamedArgs{"one is missing": {"ids": 1}, "one too many": {"ids": 1, "n": 2, "m": 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("Args did not panic")
				}
			}()
			s.Args(values)
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	set := statement.Parse("-- About the file.\n\n-- name: one\n-- Why.\nSELECT 1\n\n-- name: two\nSELECT c.id FROM contacts c\n")
	if got := set.Render(acme(), "one").SQL; got != "-- Why.\nSELECT 1" {
		t.Errorf("one = %q", got)
	}
	if got := set.Render(acme(), "two").SQL; got != `SELECT c."person" FROM app.people c` {
		t.Errorf("two = %q", got)
	}
	if len(set.All(acme())) != 2 {
		t.Errorf("All has %d statements, want 2", len(set.All(acme())))
	}
}
