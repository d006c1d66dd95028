package database

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Fault says whose fault it is that the server refused something.
type Fault string

// The faults. Every refusal has one.
const (
	// NoAnswer is no refusal at all: there is no error, or the server never answered.
	NoAnswer Fault = ""

	// Row is a value, a constraint, or what an app's own trigger complains of.
	// Another row may be accepted.
	Row Fault = "row"

	// Server is the server's own trouble: it has no room, takes no writes, shuts
	// down, cut the statement or rolled it back. It passes, and no row is to blame.
	Server Fault = "server"

	// Connection is one that the server itself lost or could not make.
	Connection Fault = "connection"

	// Denied is a right that the role lacks. No row is to blame.
	Denied Fault = "denied"

	// Login is a user, a password or a database that does not exist. Nothing but
	// another setting helps.
	Login Fault = "login"

	// Schema is a statement that does not fit the tables: one of them, or a column,
	// is missing.
	Schema Fault = "schema"
)

// faults are the SQLSTATEs, and the beginnings of whole classes of them, that are not
// the row's fault. The longest beginning decides.
var faults = map[string]Fault{
	"08":    Connection, // connection exception
	"25006": Server,     // read_only_sql_transaction
	"28":    Login,      // invalid authorization, invalid password
	"3D":    Login,      // invalid_catalog_name: there is no such database
	"3F":    Schema,     // invalid_schema_name
	"40":    Server,     // transaction rollback: a deadlock, a serialization failure
	"42":    Schema,     // syntax error or access rule violation: undefined_table, undefined_column
	"42501": Denied,     // insufficient_privilege
	"42704": Row,        // undefined_object: an app's CHECK or trigger that reads a setting of its own
	"53":    Server,     // insufficient resources: disk, memory, connections
	"55":    Server,     // object not in prerequisite state, object in use
	"55P03": Server,     // lock_not_available
	"57":    Server,     // operator intervention: statement_timeout, a shutdown
	"58":    Server,     // system error
	"XX":    Server,     // internal error: a corrupted page
}

// triggers are those that an app's trigger raises, too: by a broken function of its
// own, or as its word for "not now". Then it is the row's fault.
var triggers = map[string]bool{"3F": true, "42": true, "55": true}

// Classify returns whose fault an error is. It knows the answers of the server alone.
func Classify(err error) Fault {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return NoAnswer
	}
	for n := len(answer.Code); n > 0; n-- {
		class := answer.Code[:n]
		fault, known := faults[class]
		switch {
		case known && triggers[class] && answer.Where != "": // within a function
			return Row
		case known:
			return fault
		}
	}
	return Row
}

// TimedOut says whether the server cut a statement, at its timeout or because the
// client asked for it.
func TimedOut(err error) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answer.Code == "57014"
}
