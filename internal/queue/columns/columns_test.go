package columns_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/statement"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Each type, as apps declare it, with values and the texts that are sent. The
// session's own settings must make no difference.
func TestValues(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	tests := []struct {
		declared string
		kind     contact.Kind
		values   map[string]string // SQL: text
	}{
		{"text", contact.KindText, map[string]string{"NULL": "", "''": "", "'Ada; the \"first\"'": `Ada; the "first"`, "'zoë'": "zoë"}},
		{"varchar(20)", contact.KindText, map[string]string{"'x'": "x"}},
		{"char(4)", contact.KindText, map[string]string{"'x'": "x"}},
		{"app.folded", contact.KindText, map[string]string{"'X'": "X"}},
		{"app.grade", contact.KindText, map[string]string{"'in-between'": "in-between"}},
		{"smallint", contact.KindNumber, map[string]string{"-7": "-7"}},
		{"bigint", contact.KindNumber, map[string]string{"9223372036854775807": "9223372036854775807"}},
		{"app.score", contact.KindNumber, map[string]string{"NULL": "", "12": "12"}},
		{"numeric(12,2)", contact.KindNumber, map[string]string{"1234.5": "1234.50", "'NaN'": "", "0": "0.00"}},
		{"numeric", contact.KindNumber, map[string]string{"'Infinity'": "", "1e20": "100000000000000000000"}},
		{"double precision", contact.KindNumber, map[string]string{
			"0.1": "0.1", "1e21": "1000000000000000000000", "'-Infinity'": "", "'NaN'": "", "1e-7": "0.0000001", "1234567890.1234567": "1234567890.1234567",
		}},
		{"real", contact.KindNumber, map[string]string{"0.1": "0.1"}},
		{"boolean", contact.KindBool, map[string]string{"true": "true", "false": "false", "NULL": ""}},
		{"uuid", contact.KindUUID, map[string]string{"'7D444840-9DC0-11D1-B245-5FFDCE74FAD2'": "7d444840-9dc0-11d1-b245-5ffdce74fad2"}},
		{"date", contact.KindDay, map[string]string{"'2026-02-28'": "2026-02-28", "'infinity'": "", "'0044-03-15 BC'": "", "NULL": ""}},
		{"timestamp", contact.KindTime, map[string]string{"'2026-02-28 23:30:00.1239'": "2026-02-28T23:30:00.123Z", "'-infinity'": ""}},
		{"timestamptz", contact.KindTime, map[string]string{"'2026-02-28 23:30:00-02'": "2026-03-01T01:30:00.000Z", "'infinity'": "", "NULL": ""}},
		{"text[]", contact.KindList, map[string]string{
			"'{a,NULL,\" b \",\"\",c d}'": "a;b;c d", "'{}'": "", "NULL": "", "'{x;y,z}'": "x,y;z", "'{{a,b},{c,d}}'": "a;b;c;d",
		}},
		{"app.grade[]", contact.KindList, map[string]string{"'{low,high}'": "low;high"}},
		{"int[]", contact.KindList, map[string]string{"'{3,1,2}'": "3;1;2"}},
		{"boolean[]", contact.KindList, map[string]string{"'{t,f}'": "true;false"}},
		{"timestamptz[]", contact.KindList, map[string]string{"'{2026-02-28 23:30:00-02,infinity}'": "2026-03-01T01:30:00.000Z"}},
		{"app.tags", contact.KindList, map[string]string{"'{a,b}'": "a;b"}},
	}
	url := pgtest.New(t)
	pgtest.Exec(t, url, `CREATE SCHEMA app`, `CREATE TYPE app.grade AS ENUM ('low', 'in-between', 'high')`, `CREATE DOMAIN app.score AS int CHECK (value < 100)`,
		`CREATE DOMAIN app.word AS text`, `CREATE DOMAIN app.folded AS app.word`, `CREATE DOMAIN app.tags AS text[]`)
	conn := pgtest.Connect(t, url)
	for _, setting := range []string{"timezone = 'Asia/Kathmandu'", "datestyle = 'German'", "intervalstyle = 'iso_8601'"} {
		if _, err := conn.Exec(t.Context(), "SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec("INSERT INTO contacts DEFAULT VALUES")
	for _, test := range tests {
		name := `an "odd" name: ` + test.declared
		quoted := pgx.Identifier{name}.Sanitize()
		exec("ALTER TABLE contacts ADD COLUMN " + quoted + " " + test.declared)
		list, err := columns.Find(t.Context(), conn, statement.Contacts(), []string{"email", name, name})
		if err != nil {
			t.Fatalf("%s: %v", test.declared, err)
		}
		if got := list[1].Kind; got != test.kind {
			t.Errorf("%s is of kind %s, want %s", test.declared, got, test.kind)
		}
		for value, want := range test.values {
			exec("UPDATE contacts SET " + quoted + " = " + value)
			var got []string
			if err := conn.QueryRow(t.Context(), list.In(`SELECT ARRAY[{{extra_values}}]::text[] FROM contacts c`)).Scan(&got); err != nil {
				t.Fatalf("%s: %v", test.declared, err)
			}
			if !slices.Equal(got, []string{"", want, want}) {
				t.Errorf("%s %s is sent as %q, want %q", test.declared, value, got, want)
			}
		}
	}
}

// Every column that cannot be sent is named, each with what to do.
func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, `ALTER TABLE contacts ADD COLUMN extra jsonb, ADD COLUMN price money, ADD COLUMN hidden text, ADD COLUMN gone text`,
		`ALTER TABLE contacts DROP COLUMN gone`)
	conn := pgtest.Connect(t, pgtest.AsWorker(t, url))
	_, err := columns.Find(t.Context(), conn, statement.Contacts(), []string{"email", "nowhere", "gone", "Email", "ctid", "extra", "price", "hidden"})
	bad, ok := errors.AsType[*columns.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	want := []string{
		`contacts has no column "nowhere"`, `contacts has no column "gone"`, `contacts has no column "Email"`, `contacts has no column "ctid"`,
		`column "extra" is of type jsonb`, `column "price" is of type money`, `GRANT SELECT ("hidden") ON contacts`,
	}
	if len(bad.Problems) != len(want) {
		t.Fatalf("problems %q, want %d", bad.Problems, len(want))
	}
	for i, part := range want {
		if !strings.Contains(bad.Problems[i], part) {
			t.Errorf("problem %q, want %q in it", bad.Problems[i], part)
		}
	}
	if list, err := columns.Find(t.Context(), conn, statement.Contacts(), nil); err != nil || list.In("as it is{{extra_values}}") != "as it is" {
		t.Errorf("no columns: %v, %v", list, err)
	}
}
