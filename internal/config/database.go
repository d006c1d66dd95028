package config

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

func (d *Database) check(rep *report) {
	for _, u := range []struct {
		name string
		url  Secret
	}{{"DATABASE_URL", d.URL}, {"DATABASE_DIRECT_URL", d.DirectURL}} {
		if u.url.IsZero() {
			continue
		}
		if problem := wrongDatabase(u.url.Reveal()); problem != "" {
			rep.add(u.name, true, "%s", problem)
		}
	}
	if d.DirectURL.IsZero() {
		d.DirectURL = d.URL
	}
}

// wrongDatabase returns why a URL cannot be used, or nothing. It never quotes the
// parser's error: that one repeats the URL, and with a malformed URL it can only
// guess which part is the password to leave out.
func wrongDatabase(text string) string {
	const expected = "; expected postgres://user:password@host:5432/database, with special characters percent-encoded (@ is %40)"
	scheme, _, isURL := strings.Cut(text, "://")
	if isURL && strings.HasPrefix(scheme, "postgresql+") {
		return "is in SQLAlchemy's form: write postgresql:// without the driver after the +"
	}
	if isURL && scheme != "postgres" && scheme != "postgresql" {
		return "is not a URL of a PostgreSQL database" + expected
	}
	_, err := pgxpool.ParseConfig(text)
	if missing, ok := errors.AsType[*fs.PathError](err); ok {
		return "it names a file that cannot be read: " + missing.Error()
	}
	if err != nil {
		return "cannot be read" + expected
	}
	return ""
}
