package schema_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// hubspotAlone is what most tests prepare a database for.
var hubspotAlone = pgtest.Options()

func logger(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func up(t *testing.T, url string) schema.Result {
	t.Helper()
	result, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func check(t *testing.T, url string) error {
	t.Helper()
	return schema.Check(t.Context(), pgtest.Connect(t, url), hubspotAlone)
}

// begin opens a transaction that a stranger forgets to end, until the function
// it returns is called.
func begin(t *testing.T, url string, statements ...string) (end func()) {
	t.Helper()
	conn := pgtest.Connect(t, url)
	for _, statement := range append([]string{"BEGIN"}, statements...) {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%v\nin %s", err, statement)
		}
	}
	return func() {
		if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}

// columns describes the columns of contacts, one string each.
func columns(t *testing.T, url string) []string {
	t.Helper()
	return pgtest.Value[[]string](t, url, `
		SELECT array_agg(format('%s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attnum)
		  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		 WHERE a.attrelid = 'contacts'::regclass AND a.attnum > 0 AND NOT a.attisdropped`)
}

// indexes lists contactsync's indexes on contacts and their definitions.
func indexes(t *testing.T, url string) []string {
	t.Helper()
	return pgtest.Value[[]string](t, url, `
		SELECT coalesce(array_agg(pg_get_indexdef(indexrelid) ORDER BY indexrelid::regclass::text), '{}') FROM pg_index
		 WHERE indrelid = 'contacts'::regclass AND indisvalid
		   AND indexrelid::regclass::text LIKE '%contactsync%'`)
}

// unsuitable demands an *UnsuitableError that says all of it.
func unsuitable(t *testing.T, err error, says ...string) {
	t.Helper()
	if _, ok := errors.AsType[*schema.UnsuitableError](err); !ok {
		t.Fatalf("error %v, want an *UnsuitableError", err)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q:\n%v", text, err)
		}
	}
}

// remedies are what an *UnsuitableError or a *ConsentError says to do.
func remedies(t *testing.T, err error) []string {
	t.Helper()
	if bad, ok := errors.AsType[*schema.UnsuitableError](err); ok {
		return bad.Remedies
	}
	bad, ok := errors.AsType[*schema.ConsentError](err)
	if !ok {
		t.Fatalf("error %v, want an *UnsuitableError or a *ConsentError", err)
	}
	return bad.Remedies
}

// statements are those remedies that are SQL, as they are printed.
func statements(remedies []string) (list []string) {
	for _, remedy := range remedies {
		if sql := regexp.MustCompile(`^(.*: )?((ALTER|CREATE|DROP|INSERT|UPDATE) .*;.*)$`).FindStringSubmatch(remedy); sql != nil {
			list = append(list, sql[2])
		}
	}
	return list
}

// consent demands a *ConsentError that says all of it.
func consent(t *testing.T, err error, says ...string) {
	t.Helper()
	if _, ok := errors.AsType[*schema.ConsentError](err); !ok {
		t.Fatalf("error %v, want a *ConsentError", err)
	}
	for _, text := range append(says, "contactsync migrate up --yes") {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q:\n%v", text, err)
		}
	}
}

// everythingThere describes what a database holds: relations, columns, indexes, triggers,
// functions, schemas and policies.
func everythingThere(t *testing.T, url string) []string {
	t.Helper()
	return pgtest.Value[[]string](t, url, `SELECT array_agg(x ORDER BY x) FROM (
		SELECT format('schema %s', nspname) AS x FROM pg_namespace WHERE nspname !~ '^pg_'
		UNION ALL SELECT format('%s %s %s', c.relkind, c.oid::regclass, c.relrowsecurity) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_|information_schema'
		UNION ALL SELECT format('column %s.%s %s', a.attrelid::regclass, a.attname, a.atttypid::regtype) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname !~ '^pg_|information_schema' AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL SELECT format('trigger %s on %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT format('function %s', p.oid::regprocedure) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_|information_schema'
		UNION ALL SELECT format('type %s', y.oid::regtype) FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace WHERE n.nspname !~ '^pg_|information_schema') AS things`)
}

// leftNothing demands that a database holds what it held before; with nil only that
// nothing is in it that is called contactsync.
func leftNothing(t *testing.T, url string, before []string) {
	t.Helper()
	now := everythingThere(t, url)
	if before == nil {
		now = slices.DeleteFunc(now, func(thing string) bool { return !strings.Contains(thing, "contactsync") })
	}
	if !slices.Equal(now, before) {
		t.Errorf("a refused up left behind:\n%s\nbefore it there was\n%s", strings.Join(now, "\n"), strings.Join(before, "\n"))
	}
}

func rows(ctx context.Context, conn *pgx.Conn, query string) ([]string, error) {
	result, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(result, pgx.RowTo[string])
	slices.Sort(list)
	return list, err
}
