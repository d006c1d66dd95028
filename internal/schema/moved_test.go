package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// An app moves its table, or gives it another name. `up` follows, and a worker's role can
// go on; `down --all` takes everything back, also without that `up`.
func TestAMovedTableIsFollowed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sql   []string
		now   string
		param string         // of the database URL, with which it is found
		o     schema.Options // or the settings
	}{
		"to another schema, by search_path": {[]string{"CREATE SCHEMA app", "ALTER TABLE contacts SET SCHEMA app"}, "app.contacts", "&search_path=app", hubspotAlone},
		"to another schema, by setting":     {[]string{"CREATE SCHEMA app", "ALTER TABLE contacts SET SCHEMA app"}, "app.contacts", "", named("app.contacts")},
		"to another name":                   {[]string{"ALTER TABLE contacts RENAME TO people"}, "public.people", "", named("people")},
		"its schema was renamed":            {[]string{"ALTER SCHEMA public RENAME TO old"}, "old.contacts", "&search_path=old", hubspotAlone},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, followed := range []bool{true, false} {
				url := pgtest.Empty(t)
				pgtest.Exec(t, url, wideTable()...)
				before := columns(t, url)
				up(t, url)
				role, worker := pgtest.Role(t, url)
				if err := schema.Grant(t.Context(), url, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
					t.Fatal(err)
				}
				pgtest.Exec(t, url, "INSERT INTO contacts (id, email) VALUES (gen_random_uuid(), 'a@example.org')")
				pgtest.Exec(t, url, test.sql...)

				// With the old settings it is said where the table is.
				err := check(t, url+"&search_path=pg_catalog")
				unsuitable(t, err, "public.contacts, which was migrated, is "+test.now+" now", "set CONTACTS_TABLE="+test.now)
				_, err = schema.Up(t.Context(), url+"&search_path=pg_catalog", hubspotAlone, logger(t))
				unsuitable(t, err, "set CONTACTS_TABLE="+test.now)
				if !followed {
					downAll(t, url, hubspotAlone)
					leftNothing(t, url, nil)
					if got := columnsOf(t, url, test.now); !slices.Equal(got, before) {
						t.Errorf("down left %d columns, want %d: the last is %s", len(got), len(before), got[len(got)-1])
					}
					if _, err := schema.Up(t.Context(), url+test.param, test.o, logger(t)); err != nil {
						t.Errorf("up after down: %v", err)
					}
					continue
				}
				// With the new ones, to run `up`, which is enough.
				err = schema.Check(t.Context(), pgtest.Connect(t, url+test.param), test.o)
				unsuitable(t, err, "is "+test.now+" now", "run `contactsync migrate up`")
				result, err := schema.Up(t.Context(), url+test.param, test.o, logger(t))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(strings.Join(result.Plan, "\n"), test.now+", which was public.contacts") {
					t.Errorf("planned %q", result.Plan)
				}
				if err := schema.Check(t.Context(), pgtest.Connect(t, worker+test.param), test.o); err != nil {
					t.Errorf("after up: %v", err)
				}
				pgtest.Exec(t, url, "UPDATE "+test.now+" SET hubspot_processing_status = 'Queued'")
				if got := pgtest.Value[string](t, worker, "SELECT concat_ws(' ', queued, hidden) FROM contactsync.status"); got != "1" {
					t.Errorf("status %s, want 1", got)
				}
				pgtest.Exec(t, worker, "UPDATE "+test.now+" SET retry_count = 0")
				downAll(t, url+test.param, test.o)
				leftNothing(t, url, nil)
				if got := columnsOf(t, url, test.now); !slices.Equal(got, before) {
					t.Errorf("down left %d columns, want %d: the last is %s", len(got), len(before), got[len(got)-1])
				}
			}
		})
	}
}

// Another table has taken the name of the one that was migrated.
func TestAnotherTableTookTheName(t *testing.T) {
	t.Parallel()
	for _, remedy := range []string{"go on with the old one", "go on with the new one"} {
		t.Run(remedy, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, wideTable()...)
			up(t, url)
			pgtest.Exec(t, url, "ALTER TABLE contacts RENAME TO contacts_old", "CREATE TABLE contacts (LIKE contacts_old INCLUDING DEFAULTS)", "ALTER TABLE contacts ADD PRIMARY KEY (id)")
			err := check(t, url)
			unsuitable(t, err, "public.contacts, which was migrated, is public.contacts_old now", "leads to public.contacts",
				"set CONTACTS_TABLE=public.contacts_old", "to leave public.contacts_old and go on with public.contacts: `contactsync migrate down --all`, then `contactsync migrate up`")
			before := everythingThere(t, url)
			_, err = schema.Up(t.Context(), url, hubspotAlone, logger(t))
			unsuitable(t, err, "is public.contacts_old now")
			leftNothing(t, url, before)
			o := hubspotAlone
			if remedy == "go on with the old one" {
				o = named("public.contacts_old")
			} else {
				downAll(t, url, o)
			}
			if _, err := schema.Up(t.Context(), url, o, logger(t)); err != nil {
				t.Fatal(err)
			}
			if err := schema.Check(t.Context(), pgtest.Connect(t, url), o); err != nil {
				t.Error(err)
			}
		})
	}
}

// The table was dropped: what is printed leads on.
func TestTheTableIsGone(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, wideTable()...)
	up(t, url)
	pgtest.Exec(t, url, "DROP TABLE contacts")
	unsuitable(t, check(t, url), "there is no table public.contacts any more, which was migrated", "`contactsync migrate down --all`, then `contactsync migrate up`")
	_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
	unsuitable(t, err, "there is no table public.contacts any more")
	downAll(t, url, hubspotAlone)
	leftNothing(t, url, nil)
	up(t, url)
	if err := check(t, url); err != nil {
		t.Error(err)
	}
}

// The table was replaced by a copy of the same name: `up` puts back what is missing.
func TestTheTableWasReplaced(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, wideTable()...)
	up(t, url)
	pgtest.Exec(t, url, "CREATE TABLE next (LIKE contacts INCLUDING DEFAULTS)", "DROP TABLE contacts", "ALTER TABLE next RENAME TO contacts")
	up(t, url)
	if err := check(t, url); err != nil {
		t.Error(err)
	}
	if len(indexes(t, url)) != 4 {
		t.Errorf("indexes: %q", indexes(t, url))
	}
}

func named(table string) schema.Options {
	o := hubspotAlone
	o.Table = table
	return o
}

func downAll(t *testing.T, url string, o schema.Options) {
	t.Helper()
	if _, err := schema.Down(t.Context(), url, o, true, logger(t)); err != nil {
		t.Fatal(err)
	}
}

// columnsOf describes the columns of a table as columns does.
func columnsOf(t *testing.T, url, table string) []string {
	t.Helper()
	list := pgtest.Value[[]string](t, url, `
		SELECT array_agg(format('%s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attnum)
		  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		 WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped`, table)
	for i := range list { // the app's types went along
		list[i] = strings.ReplaceAll(list[i], "old.", "")
	}
	return list
}
