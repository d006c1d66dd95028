package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/config"
)

// URLs as other programs write them are refused at once, with what to write instead,
// and without the password.
func TestForeignURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://u:hunter2@db/app?schema=public":                           "schema (write search_path=NAME",
		"postgres://u:hunter2@db/app?pgbouncer=true&connection_limit=1":       "connection_limit (leave it out: each process takes a few connections and no more), pgbouncer (leave it out; behind a pooler",
		"postgres://u:hunter2@db/app?pool=5&sslmode=require":                  "pool (leave it out",
		"postgres://u:hunter2@db/app?currentSchema=app":                       "currentSchema (write search_path=NAME",
		"postgres://u:hunter2@db/app?encoding=utf8&prepared_statements=false": "encoding (leave it out: contactsync speaks UTF8), prepared_statements (",
		"postgres://u:hunter2@db/app?gssencmode=disable":                      "gssencmode (leave it out)",
		"host=db user=u password=hunter2 dbname=app schema=public":            "schema (write search_path=NAME",
		"postgres://u:hunter2@db/app?sslmode=no-verify":                       "write sslmode=require",
		"postgres://u:hunter2@db/app?sslmode=true":                            "has a sslmode that there is not; expected disable, allow, prefer, require, verify-ca or verify-full",
		"postgres://u:hunter2@db/app?target_session_attrs=master":             "expected any, read-write",

		"postgresql+psycopg2://u:hunter2@db/app":            "write postgresql:// without the driver",
		"postgresql+asyncpg://u:hunter2@db/app":             "write postgresql:// without the driver",
		"postgis://u:hunter2@db/app":                        "begins with postgis:// as in another program: write postgres://",
		"pgsql://u:hunter2@db/app":                          "write postgres://",
		"jdbc:postgresql://db/app?user=u&password=hunter2":  "without jdbc:",
		"prisma+postgres://accelerate.example/?key=hunter2": "the database itself",
		"mysql://u:hunter2@db/app":                          "not a URL of a PostgreSQL database",

		"psql 'postgres://u:hunter2@db/app'":         "leave out psql",
		`"postgres://u:hunter2@db/app"`:              "has quotes around it",
		"DATABASE_URL=postgres://u:hunter2@db/app":   "begins with its own name",
		"postgres://postgres:[YOUR-PASSWORD]@db/app": "put the password there",
		"postgres://u:hunter2#hunter2@db/app":        "# as %23",
		"postgres://u:123#hunter2@db/app":            "# as %23",
		"postgres://u:123/hunter2@db/app":            "/ as %2F",
		"postgres://u:hunter2/hunter2@db/app":        "/ as %2F",
		"postgres://u:123?hunter2@db/app":            "? as %3F",
		"postgres://u:hunter2%hunter2@db/app":        "% as %25",
		"postgres://u:hunter2 hunter2@db/app":        "a blank as %20",
		"postgres://u:hunter2@db/app#hunter2":        "# as %23",
		"postgres://u@x.example:hunter2@db/app":      "@ as %40",
		"postgres://u:hunter2@db:12345678/app":       "cannot be read",
	} {
		_, err := config.Part[config.Database](t.Context(), envconfig.MapLookuper(map[string]string{"DATABASE_URL": url}))
		if bad, ok := errors.AsType[*config.Error](err); !ok || len(bad.Problems) != 1 || bad.Problems[0].Var != "DATABASE_URL" {
			t.Errorf("%s: %v, want one problem of DATABASE_URL", url, err)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the password is printed: %v", url, err)
		}
	}
}

// What PostgreSQL's own programs take is taken.
func TestGoodURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://u:p%23%40%2F%3F@db/app", "postgresql://u@db", "postgres://u:p@db/app?ssl=true", "postgres://me%40server:p@ss@db:5432/app",
		"postgres://u:p@db/app?sslmode=require&channel_binding=require", "postgres://u:p@db/app?options=-c%20search_path%3Dapp", "postgres://u:p@db/app?options=endpoint%3Dep-cool",
		"postgres://u:p@db/app?search_path=app,public&statement_timeout=5000&application_name=x&target_session_attrs=read-write",
		"postgres://u:p@[::1]:5432/app", "postgres://u:p@a,b:5433/app", "postgres:///app?host=/tmp&user=me@server&password=a@b", "host=db dbname=app user=u",
		"postgres://u:p@db/app?pool_max_conns=3&connect_timeout=3",
	} {
		if _, err := config.Part[config.Database](t.Context(), envconfig.MapLookuper(map[string]string{"DATABASE_URL": url})); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
