package config

import (
	"errors"
	"io/fs"
	"net/url"
	"slices"
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

const (
	expectedURL = "; expected postgres://user:password@host:5432/database, with special characters percent-encoded (@ is %40)"

	// unescaped does not say which character of the password it is.
	unescaped = "has a character in user or password that means something else in a URL: percent-encode there # as %23, @ as %40, " +
		"/ as %2F, : as %3A, ? as %3F, % as %25 and a blank as %20"
)

// wrongDatabase returns why a URL cannot be used, or nothing. It never quotes the
// parser's error: that one repeats the URL, and with a malformed URL it can only
// guess which part is the password to leave out.
func wrongDatabase(text string) string {
	if problem := copiedBadly(text); problem != "" {
		return problem
	}
	scheme, rest, isURL := strings.Cut(text, "://")
	if isURL {
		if problem := wrongScheme(strings.ToLower(scheme)); problem != "" {
			return problem
		}
		if !isEscaped(rest) {
			return unescaped
		}
	}
	if problem := wrongValues(text); problem != "" {
		return problem
	}
	config, err := pgxpool.ParseConfig(text)
	if missing, ok := errors.AsType[*fs.PathError](err); ok {
		return "it names a file that cannot be read: " + missing.Error()
	}
	switch {
	case err != nil && isURL && strings.Count(rest, "@") > 1:
		return unescaped
	case err != nil:
		return "cannot be read" + expectedURL
	}
	return foreignParameters(config.ConnConfig.RuntimeParams)
}

// copiedBadly finds what is left of where the URL was copied from.
func copiedBadly(text string) string {
	switch {
	case strings.HasPrefix(text, "psql "):
		return "is a command: leave out psql and the quotes"
	case len(text) > 1 && strings.ContainsRune(`"'`+"`", rune(text[0])) && text[0] == text[len(text)-1]:
		return "has quotes around it: leave them out"
	case strings.HasPrefix(text, "DATABASE_URL="):
		return "begins with its own name: leave it out"
	case strings.Contains(text, "[YOUR-PASSWORD]"):
		return "still has [YOUR-PASSWORD] in it: put the password there"
	}
	return ""
}

// wrongScheme knows how other programs call PostgreSQL.
func wrongScheme(scheme string) string {
	base, _, driver := strings.Cut(scheme, "+")
	switch {
	case scheme == "postgres", scheme == "postgresql":
		return ""
	case base == "prisma":
		return "is for Prisma's own proxy: take the URL of the database itself, postgres://..."
	case driver && (base == "postgres" || base == "postgresql"):
		return "is in SQLAlchemy's form: write postgresql:// without the driver after the +"
	case scheme == "jdbc:postgresql":
		return "is in Java's form: write postgres://user:password@host:5432/database, without jdbc: and with user and password before the host"
	case slices.Contains([]string{"postgis", "pgsql", "psql", "pg", "pgx", "timescale", "timescalegis", "ecto"}, base):
		return "begins with " + base + ":// as in another program: write postgres://"
	}
	return "is not a URL of a PostgreSQL database" + expectedURL
}

// isEscaped says of what follows the scheme whether user and password end where they
// seem to. Behind them nothing has a # or, but in the value of a parameter, an @.
func isEscaped(rest string) bool {
	before, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(before, "/")
	user := authority[:max(0, strings.LastIndex(authority, "@"))]
	name, _, _ := strings.Cut(query, "=")
	_, err := url.PathUnescape(user)
	return err == nil && !strings.ContainsAny(user, " \t") && !strings.Contains(rest, "#") &&
		!strings.Contains(path, "@") && !strings.Contains(name, "@")
}

// values are the parameters that take one of a few.
var values = []struct {
	name    string
	allowed []string
}{
	{"sslmode", []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}},
	{"target_session_attrs", []string{"any", "read-write", "read-only", "primary", "standby", "prefer-standby"}},
	{"channel_binding", []string{"disable", "prefer", "require"}},
	{"sslnegotiation", []string{"postgres", "direct"}},
}

// wrongValues looks at the parameters of a URL that take one of a few values.
func wrongValues(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	query := u.Query()
	if query.Get("sslmode") == "no-verify" {
		return "has sslmode=no-verify, which is Node's: write sslmode=require, which checks no certificate either"
	}
	for _, v := range values {
		if query.Has(v.name) && !slices.Contains(v.allowed, query.Get(v.name)) {
			return "has a " + v.name + " that there is not; expected " + strings.Join(v.allowed[:len(v.allowed)-1], ", ") + " or " + v.allowed[len(v.allowed)-1]
		}
	}
	return ""
}

// What to do about parameters that mean nothing to PostgreSQL.
const (
	leaveOut   = "leave it out"
	searchPath = "write search_path=NAME, or name the table with its schema in CONTACTS_TABLE"
	oneOrTwo   = "leave it out: each process takes a few connections and no more"
	pastPooler = "leave it out; behind a pooler in transaction mode set DATABASE_DIRECT_URL to the database itself"
	asSSLMode  = "write sslmode=require, or sslmode=verify-full with sslrootcert"
	inEncoding = "leave it out: contactsync speaks UTF8"
)

// foreign are parameters of other drivers and frameworks, and of libpq those that this
// program does without. A server refuses a connection for each.
var foreign = map[string]string{
	"schema": searchPath, "currentschema": searchPath, "schema_search_path": searchPath,
	"pgbouncer": pastPooler, "prepared_statements": pastPooler, "preparethreshold": pastPooler, "statement_cache_size": pastPooler,
	"prepared_statement_cache_size": pastPooler, "prepare": pastPooler, "supa": pastPooler, "workaround": pastPooler,
	"connection_limit": oneOrTwo, "pool": oneOrTwo, "pool_size": oneOrTwo, "pool_timeout": oneOrTwo, "max_overflow": oneOrTwo,
	"pool_recycle": oneOrTwo, "pool_pre_ping": oneOrTwo, "checkout_timeout": oneOrTwo, "reaping_frequency": oneOrTwo,
	"maxsize": oneOrTwo, "minsize": oneOrTwo, "max_size": oneOrTwo, "min_size": oneOrTwo, "conn_max_age": oneOrTwo, "idle_timeout": oneOrTwo,
	"connection_timeout": oneOrTwo, "max_idle_connection_lifetime": oneOrTwo,
	"usessl": asSSLMode, "ssl-mode": asSSLMode, "ssl_mode": asSSLMode, "sslaccept": asSSLMode, "sslidentity": asSSLMode, "uselibpqcompat": leaveOut,
	"sslfactory": asSSLMode, "tls": asSSLMode,
	"encoding": inEncoding, "charset": inEncoding, "characterencoding": inEncoding, "useunicode": inEncoding,
	"adapter": leaveOut, "reconnect": leaveOut, "socket_timeout": "write statement_timeout=15000, in milliseconds", "sockettimeout": "write statement_timeout=15000, in milliseconds",
	"connecttimeout": "write connect_timeout=5, in seconds", "logintimeout": "write connect_timeout=5, in seconds", "command_timeout": leaveOut,
	"applicationname": leaveOut, "variables": leaveOut, "serverversion": leaveOut, "async_fallback": leaveOut,
	"gssencmode": leaveOut, "gsslib": leaveOut, "gssdelegation": leaveOut, "sslcompression": leaveOut, "sslcrl": leaveOut, "sslcrldir": leaveOut,
	"keepalives": leaveOut, "keepalives_idle": leaveOut, "keepalives_interval": leaveOut, "keepalives_count": leaveOut,
	"fallback_application_name": leaveOut, "requirepeer": leaveOut, "load_balance_hosts": leaveOut, "hostaddr": "write the address as the host",
	"requiressl": asSSLMode, "sslkeylogfile": leaveOut,
}

// foreignParameters names the parameters that no server knows. Others are settings of
// the session, which the server knows best.
func foreignParameters(params map[string]string) string {
	var found []string
	for name := range params {
		if advice, is := foreign[strings.ToLower(name)]; is {
			found = append(found, name+" ("+advice+")")
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		return ""
	}
	return "has parameters of another driver, which PostgreSQL refuses: " + strings.Join(found, ", ")
}
