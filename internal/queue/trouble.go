package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/contact"
)

// troubleCodes are the SQLSTATEs, and the beginnings of whole classes of them, that
// are the database's own trouble. Everything else is taken for the row's: what an
// app's trigger raises, a constraint, a value.
var troubleCodes = []string{
	"08",    // a connection that the server itself makes
	"25006", // read_only_sql_transaction
	"40",    // transaction rollback: a deadlock, a serialization failure
	"42501", // insufficient_privilege
	"53",    // insufficient resources: disk, memory, connections
	"55P03", // lock_not_available
	"57",    // operator intervention: statement_timeout, a shutdown
	"58",    // an error of the system
	"XX",    // an error within the server
}

// isTrouble says whether the database refused a statement for a reason of its own.
func isTrouble(err *pgconn.PgError) bool {
	for _, code := range troubleCodes {
		if strings.HasPrefix(err.Code, code) {
			return true
		}
	}
	return false
}

// marked makes an ErrTrouble of an error that is one, on a session that lives on.
func marked(ctx context.Context, err error) error {
	if e, answered := errors.AsType[*pgconn.PgError](err); answered && isTrouble(e) && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", contact.ErrTrouble, err)
	}
	return err
}
