// Package migrations holds what contactsync needs in the database, version by
// version, so that the schema can be read as SQL. A migration never changes
// once it is released. The indexes on contacts have versions too (3 and 10), but no file
// here: they are built CONCURRENTLY, each partition apart, which takes a
// program (internal/schema).
package migrations

import "embed"

// FS has the .sql files, named <version>_<name>.sql.
//
//go:embed *.sql
var FS embed.FS
