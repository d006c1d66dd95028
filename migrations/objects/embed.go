// Package objects holds what contactsync has in its schema beside tables: functions
// and views, whose texts have no version. `migrate up` renders them for the table and
// the destinations that there are, and applies them again when they changed.
package objects

import _ "embed" // the statements

// State is how the queues stand, for programs and for people with psql: a script
// for [statement.Script], whose table must be written with its schema, because whoever
// reads the views has a search_path of his own.
//
//go:embed state.sql
var State string
