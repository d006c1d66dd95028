// Package roles holds what a role of the database must be allowed to do
// contactsync's work, or only to look at it, so that a DBA can read it as SQL
// before he runs it. It is kept beside the migrations: who adds a table there
// adds its line here, or the tests of the whole program fail, which run under
// such a role.
package roles

import _ "embed" // the statements

// The scripts. :"role" and :'role' stand for the role's name, as an identifier
// and as a literal, in the way of psql's variables.
var (
	// Reader is what a person who only looks may do.
	//
	//go:embed reader.sql
	Reader string

	// Worker is what the processes may do beyond that.
	//
	//go:embed worker.sql
	Worker string
)
