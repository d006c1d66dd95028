// Package encoding says which databases are in an encoding that contactsync can work with. It
// exists apart from database because migrations make connections of their own.
package encoding

import (
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Error says that a database is not in UTF8. Its names and messages could not be
// told from what other encodings lack: a single contact or an answer of a destination
// with such a character would be refused for ever.
type Error struct {
	Encoding string // the database's
}

// Error names the remedy.
func (e *Error) Error() string {
	return fmt.Sprintf("the database's encoding is %s, and contactsync works with UTF8 alone, because names and messages have characters that %s lacks: "+
		"make a database with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, and move the data there with pg_dump and psql", e.Encoding, e.Encoding)
}

// Require returns an *Error unless the database is in UTF8. It costs no
// round trip: a server says so when it is connected to. One that does not is believed.
func Require(conn *pgx.Conn) error {
	if encoding := conn.PgConn().ParameterStatus("server_encoding"); encoding != "UTF8" && encoding != "" {
		return &Error{Encoding: encoding}
	}
	return nil
}
