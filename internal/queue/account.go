package queue

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
)

// Account makes sure that an account is the one that the contacts are synced to.
// About to send, it remembers the first one that there is; otherwise it reports
// whether one is known. The error is a *destination.OtherAccountError where another one
// is. It may be called beside everything else.
func (q *Queue) Account(ctx context.Context, found string, aboutToSend bool) (known bool, err error) {
	var account string
	for range 2 { // another process may have been the first one, between the two parts of the statement
		err = q.do(ctx, "look whose account it is", func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, q.account.SQL, q.account.Args(pgx.NamedArgs{
				"destination": q.name, "account": found, "first": aboutToSend, "instance": q.opt.Instance,
			})...).Scan(&account)
		})
		if !aboutToSend || !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	switch {
	case !aboutToSend && errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case account != found:
		return true, &destination.OtherAccountError{Known: account, Found: found}
	}
	return true, nil
}
