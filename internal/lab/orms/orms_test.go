package orms_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

func TestMain(m *testing.M) { os.Exit(progtest.Main(m)) }

// program is an app on an ORM. It takes these verbs:
//
//	before                 its first migration, which makes contacts
//	after                  its next one, which adds the column nickname
//	proposes               one line for each change that its comparison would make, if it
//	                       has one
//	proposes-unconfigured  the same without what docs/orms.md has it told
//	create EMAIL [STATUS]  save a new object
//	queue WAY EMAIL        queue a contact in one of its ways to write
//	stale EMAIL            load an object, have somebody else queue it, change the
//	                       nickname and save
//	dump, load             what it writes down of the database's schema, and back
type program struct {
	command      []string
	ways         []string // the ways to write that it has
	compares     bool     // it compares its models with the database
	unconfigured string   // what it would drop of ours without being told; "" for nothing
}

func TestDjango(t *testing.T) {
	t.Parallel()
	python := script(t, pythonTool("import django, psycopg2", "python3-django python3-psycopg2"), "django/program.py")
	try(t, program{command: python, ways: []string{"save", "field", "bulk", "bulk_update", "raw"}})
}

func TestSQLAlchemy(t *testing.T) {
	t.Parallel()
	python := script(t, pythonTool("import alembic, sqlalchemy, psycopg2", "alembic python3-sqlalchemy python3-psycopg2"), "sqlalchemy/program.py")
	try(t, program{
		command: python, ways: []string{"save", "merge", "bulk", "mappings", "raw"},
		compares: true, unconfigured: "remove_column None contacts hubspot_queued_at",
	})
}

func TestActiveRecord(t *testing.T) {
	t.Parallel()
	ruby := script(t, tool{"ruby", []string{"-e", "require 'active_record'; require 'pg'"}, "ruby-activerecord ruby-pg"}, "activerecord/program.rb")
	in := try(t, program{command: ruby, ways: []string{"save", "update", "column", "bulk", "upsert", "raw"}})

	// schema.rb has the table, with what contactsync made of it, and does not name what
	// else contactsync has. Before Rails 7 it forgets time zones, which `migrate up` says.
	dump := run(t, in.URL, "", ruby, "dump")
	for _, part := range []string{`create_table "contacts"`, `"hubspot_processing_status"`, `"contacts_contactsync_queued"`} {
		if !strings.Contains(dump, part) {
			t.Errorf("schema.rb has no %s:\n%s", part, dump)
		}
	}
	copied := progtest.InstallOn(t, pgtest.Empty(t))
	run(t, copied.URL, dump, ruby, "load")
	if !strings.Contains(dump, `t.timestamptz "hubspot_queued_at"`) {
		_, stderr, code := copied.Command(copied.Env(), "migrate", "up")
		if code != 1 || !strings.Contains(stderr, "hubspot_queued_at") || !strings.Contains(stderr, "timestamptz") {
			t.Errorf("migrate up on schema.rb without time zones: %d, %s", code, stderr)
		}
		copied.Exec(`ALTER TABLE contacts ALTER hubspot_queued_at TYPE timestamptz USING hubspot_queued_at AT TIME ZONE 'UTC'`)
	}
	copied.Must("migrate", "up")
	if out := copied.Must("migrate", "up"); !strings.Contains(out, "up to date") {
		t.Errorf("migrate up, again: %s", out)
	}
}

func TestDoctrine(t *testing.T) {
	t.Parallel()
	php := script(t, tool{"php", []string{"-r", "require 'Doctrine/ORM/autoload.php'; exit(extension_loaded('pdo_pgsql') ? 0 : 1);"}, "php-cli php-doctrine-orm php-pgsql"}, "doctrine/program.php")
	try(t, program{
		command: php, ways: []string{"save", "bulk", "raw"},
		compares: true, unconfigured: "ALTER TABLE contacts DROP hubspot_queued_at",
	})
}

func TestGORM(t *testing.T) {
	t.Parallel()
	try(t, program{command: []string{goORMs(t), "gorm"}, ways: []string{"save", "field", "columns", "bulk", "raw"}, compares: true})
}

func TestEnt(t *testing.T) {
	t.Parallel()
	try(t, program{command: []string{goORMs(t), "ent"}, ways: []string{"update", "raw"}, compares: true})
}

// try takes an app from its first migration over contactsync's to its next one, has it
// write in all its ways, and sees to it that each contact arrives.
func try(t *testing.T, p program) *progtest.Installation {
	t.Helper()
	in := progtest.InstallOn(t, pgtest.Empty(t))
	app := func(args ...string) string { t.Helper(); return run(t, in.URL, "", p.command, args...) }

	app("before")
	in.Must("migrate", "up")
	if p.unconfigured != "" {
		if out := app("proposes-unconfigured"); !strings.Contains(out, p.unconfigured) {
			t.Errorf("without being told it no longer proposes %q (mend docs/orms.md):\n%s", p.unconfigured, out)
		}
	}
	if p.compares {
		if out := app("proposes"); !strings.Contains(out, "nickname") {
			t.Errorf("its comparison does not see its own new column: %s", out)
		}
	}
	app("after")
	if out := app("proposes"); strings.TrimSpace(out) != "" {
		t.Errorf("it proposes to change what is there:\n%s", out)
	}
	if out := in.Must("migrate", "up"); !strings.Contains(out, "up to date") {
		t.Errorf("its migration after ours took something away: %s", out)
	}

	app("create", "new@example.org", "Queued")
	app("create", "stale@example.org")
	app("stale", "stale@example.org")
	if got := in.Ask(`SELECT nickname || ' ' || coalesce(hubspot_processing_status, 'NULL') FROM contacts WHERE email = 'stale@example.org'`); got != "stale Queued" {
		t.Errorf("an object that was loaded before somebody else queued it, and saved after: %s, want stale Queued", got)
	}
	for _, way := range p.ways {
		app("create", way+"@example.org")
	}
	program := in.Start(in.Env(), "run")
	in.AwaitAsleep()
	arrived := func(email string) {
		t.Helper()
		in.Await("Complete", `SELECT coalesce(hubspot_processing_status, 'NULL') FROM contacts WHERE email = '`+email+`'`)
	}
	arrived("new@example.org")
	arrived("stale@example.org")
	for _, way := range p.ways {
		app("queue", way, way+"@example.org")
		arrived(way + "@example.org")
	}
	in.WantEachOnce(2 + len(p.ways))
	if code := program.Stop(); code != 0 {
		t.Errorf("the program ended with %d", code)
	}
	return in
}

// run runs an app and returns what it printed.
func run(t *testing.T, url, stdin string, command []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), progtest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], args...)...)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+url, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, &out, &errs)
	}
	return out.String()
}

// tool is an interpreter with libraries.
type tool struct {
	name     string
	works    []string // arguments that succeed where the libraries are there
	packages string   // Debian's
}

func pythonTool(imports, packages string) tool {
	name := "python3"
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		name = "/usr/bin/python3" // Debian's packages are for Debian's Python
	}
	return tool{name, []string{"-c", imports}, packages}
}

// script returns the command that runs a program, or ends the test where that cannot be.
func script(t *testing.T, with tool, path string) []string {
	t.Helper()
	asked(t)
	if out, err := exec.CommandContext(t.Context(), with.name, with.works...).CombinedOutput(); err != nil {
		needs.Missing(t, with.packages, ".ci/setup orms; Debian and Ubuntu: apt install "+with.packages+": "+string(out))
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return []string{with.name, path}
}

// goORMs builds the programs that are in Go.
func goORMs(t *testing.T) string {
	t.Helper()
	asked(t)
	path := filepath.Join(t.TempDir(), "goorms")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	cmd.Dir = "goorms"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build goorms: %v\n%s", err, out)
	}
	return path
}

// asked skips a test of this package but under `make orms`.
func asked(t *testing.T) {
	t.Helper()
	if os.Getenv("CONTACTSYNC_ORMS") == "" {
		t.Skip("make orms runs this")
	}
}
