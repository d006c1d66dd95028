package pgtest

import (
	"crypto/rand"
	"net/url"
	"strings"
	"testing"
)

// Role makes a role that is no superuser and has no rights but everybody's. It
// returns its name and the URL with which it connects to the same database. At
// the end of the test it is dropped with all that it owns there.
func Role(tb testing.TB, databaseURL string) (name, asRole string) {
	tb.Helper()
	name = "cstest_" + strings.ToLower(rand.Text())
	u, err := url.Parse(databaseURL)
	if err != nil {
		tb.Fatal("parse the database URL") // the error would quote it
	}
	Exec(tb, databaseURL, "CREATE ROLE "+name+" LOGIN PASSWORD '"+name+"'")
	tb.Cleanup(func() { drop(tb, databaseURL, "DROP OWNED BY "+name+" CASCADE", "DROP ROLE "+name) })
	u.User = url.UserPassword(name, name)
	return name, u.String()
}
