// Package migrations holds what contactsync needs in the database as SQL, so that it
// can be read, and reviewed, as that. It is written for a table contacts with a uuid id
// and HubSpot's columns; internal/schema renders it for the table and the destinations
// that there are.
//
// Three things are no version here, because they depend on these: the columns and
// the indexes on the app's table (internal/schema) and the triggers (package triggers).
package migrations

import "embed"

// FS has contactsync's own tables version by version, as <version>_<name>.sql. A file
// never changes once it is released.
//
//go:embed *.sql
var FS embed.FS

// Objects has the functions and views for people with psql. Unlike a migration their
// text may change: `contactsync migrate up` applies it again whenever it did. Each is
// written as CREATE OR REPLACE, so that it keeps the rights that were granted on it;
// what is not there any more is dropped.
//
//go:embed objects/*.sql
var Objects embed.FS
