package soak

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// savepoint changes a row, takes a second change back, and may change a third.
func savepoint(ctx context.Context, a *writer) error {
	first, second, third := a.anyID(), a.anyID(), a.anyID()
	return a.in(ctx, func(t *tx) (bool, error) {
		err := t.exec(ctx, queueSQL, first, a.version())
		if err != nil {
			return false, err
		}
		inner, err := t.Begin(ctx)
		if err != nil {
			return false, err
		}
		if _, err := inner.Exec(ctx, queueSQL, t.token, second, a.version()); err != nil {
			return false, err
		}
		if _, err := inner.Exec(ctx, queueSQL, t.token, first, a.version()); err != nil {
			return false, err
		}
		pause(ctx, a.lateness())
		if err := inner.Rollback(ctx); err != nil {
			return false, err
		}
		if a.r.IntN(2) == 0 {
			err = t.exec(ctx, queueSQL, third, a.version())
		}
		return true, err
	})
}

// row is what an ORM keeps of a row; the columns it does not know it leaves alone.
type row struct {
	ID, Email, Name, Phone, Sync, Status, Err, Code, Remote, CRM *string
	Tries                                                        *int
	Next, Last, Synced, Updated, Queued                          *time.Time
}

// saveWhole reads a row, thinks, and writes all of it back, as an ORM does that
// tracks no changes: also what others have made of it since. It may have changed
// something, and it may set updated_at.
func saveWhole(ctx context.Context, a *writer) error {
	const (
		columns = `id::text, email, name, phone_number, hubspot_sync_status::text, hubspot_processing_status::text,
			hubspot_processing_error, hubspot_error_code, hubspot_contact_id, last_failed_crm, retry_count,
			next_retry_at, last_retry_at, hubspot_synced_at, updated_at, hubspot_queued_at`
		readSQL = `SELECT ` + columns + ` FROM contacts WHERE id = $1`
		saveSQL = `UPDATE contacts SET app_change = $1, email = $3, name = $4, phone_number = $5,
			hubspot_sync_status = $6, hubspot_processing_status = $7,
			hubspot_processing_error = $8, hubspot_error_code = $9, hubspot_contact_id = $10, last_failed_crm = $11, retry_count = $12,
			next_retry_at = $13, last_retry_at = $14, hubspot_synced_at = $15, updated_at = $16, hubspot_queued_at = $17 WHERE id = $2`
	)
	id := a.anyID()
	if a.r.IntN(2) == 0 {
		id = a.inFlight(ctx)
	}
	var x row
	err := a.conn.QueryRow(ctx, readSQL, id).Scan(&x.ID, &x.Email, &x.Name, &x.Phone, &x.Sync, &x.Status, &x.Err, &x.Code, &x.Remote, &x.CRM,
		&x.Tries, &x.Next, &x.Last, &x.Synced, &x.Updated, &x.Queued)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	pause(ctx, a.lateness())
	if a.r.IntN(3) > 0 {
		version := a.version()
		name := "Ada v" + version
		x.Phone, x.Name = &version, &name
	}
	if a.r.IntN(2) == 0 {
		now := time.Now()
		x.Updated = &now
	}
	return a.once(ctx, saveSQL, id, x.Email, x.Name, x.Phone, x.Sync, x.Status, x.Err, x.Code, x.Remote, x.CRM,
		x.Tries, x.Next, x.Last, x.Synced, x.Updated, x.Queued)
}

// recreate deletes a contact and inserts it again under its id, in one transaction
// or in two.
func recreate(ctx context.Context, a *writer) error {
	n := a.r.IntN(contacts)
	id := contactID(n)
	if a.r.IntN(2) == 0 {
		id = a.inFlight(ctx)
		if n = contactNumber(id); n < 0 {
			n = a.r.IntN(contacts)
			id = contactID(n)
		}
	}
	const deleteSQL = `DELETE FROM contacts WHERE id = $1`
	insert := []any{id, a.version(), contactEmail(n)}
	if a.r.IntN(2) == 0 {
		return a.in(ctx, func(t *tx) (bool, error) {
			if _, err := t.Exec(ctx, deleteSQL, id); err != nil {
				return false, err
			}
			err := t.exec(ctx, seedSQL, insert...)
			pause(ctx, a.lateness())
			return true, err
		})
	}
	if _, err := a.conn.Exec(ctx, deleteSQL, id); err != nil {
		return err
	}
	pause(ctx, a.lateness())
	return a.once(ctx, seedSQL, insert...)
}

// several changes rows in any order, one statement each, so that apps get into
// each other's way.
func several(ctx context.Context, a *writer) error {
	return a.in(ctx, func(t *tx) (bool, error) {
		for range 2 + a.r.IntN(4) {
			if err := t.exec(ctx, queueSQL, a.anyID(), a.version()); err != nil {
				return false, err
			}
			pause(ctx, between(a.r, 0, 20*time.Millisecond))
		}
		return true, nil
	})
}

// severalAtOnce changes rows in the order in which Postgres finds them.
func severalAtOnce(ctx context.Context, a *writer) error {
	const severalSQL = editSet + `, hubspot_processing_status = 'Queued' WHERE id = ANY ($2::uuid[])`
	var ids []string
	for range 2 + a.r.IntN(8) {
		ids = append(ids, a.anyID())
	}
	return a.once(ctx, severalSQL, ids, a.version())
}

// prepared commits in two phases. Postgres refuses the first when the trigger has
// rung, which is a rollback; that the second is made in the end is the app's duty.
func prepared(ctx context.Context, a *writer) error {
	t := &tx{a: a, token: a.token()}
	gid := strings.ReplaceAll(t.token, " ", "_")
	begun, err := a.conn.Begin(ctx)
	if err != nil {
		return err
	}
	t.Tx = begun
	err = t.exec(ctx, queueSQL, a.anyID(), a.version())
	if err == nil {
		_, err = begun.Exec(ctx, `PREPARE TRANSACTION '`+gid+`'`)
	}
	if err != nil {
		_ = begun.Rollback(ctx)
		a.awaitEnd(ctx)
		if !a.isPrepared(ctx, gid) { // it may be, when the answer was lost
			a.told.undo(t)
			return err
		}
	}
	pause(ctx, a.lateness())
	end := "COMMIT"
	if a.r.IntN(4) == 0 {
		end = "ROLLBACK"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*actMost)
	defer cancel()
	if err := a.finish(ctx, end, gid); err != nil {
		return err
	}
	if end == "COMMIT" {
		a.told.end(t, nil)
	} else {
		a.told.undo(t)
	}
	return nil
}

// awaitEnd waits until the server has ended the session whose connection is lost:
// before that it may still carry out what it was asked.
func (a *writer) awaitEnd(ctx context.Context) {
	for a.conn.IsClosed() {
		n, err := ask[int](ctx, a.world, `SELECT count(*)::int FROM pg_stat_activity WHERE pid = $1::int AND application_name = $2`,
			a.conn.PgConn().PID(), a.name)
		if err == nil && n == 0 || !pause(ctx, 20*time.Millisecond) {
			return
		}
	}
}

// isPrepared asks until it is known whether a transaction is prepared. It may end
// with ctx, and then answers true: so its caller goes on.
func (a *writer) isPrepared(ctx context.Context, gid string) bool {
	for {
		n, err := ask[int](ctx, a.world, `SELECT count(*)::int FROM pg_prepared_xacts WHERE gid = $1`, gid)
		if err == nil {
			return n > 0
		}
		if !pause(ctx, 50*time.Millisecond) {
			return true
		}
	}
}

// finish makes the second phase, on whatever connection there is, until it is made.
func (a *writer) finish(ctx context.Context, end, gid string) error {
	for a.isPrepared(ctx, gid) {
		_, _ = a.books.Exec(ctx, fmt.Sprintf("%s PREPARED '%s'", end, gid)) // asked for above
		if ctx.Err() != nil {
			return fmt.Errorf("%s is still prepared: %w", gid, ctx.Err())
		}
	}
	return nil
}

// strangerForms are those of apps that have nothing to do with the sync.
func strangerForms() []form {
	return []form{
		{"stranger's row lock", 3, strangeLock},
		{"stranger's update", 3, strangeUpdate},
	}
}

// strangeLock holds rows for a while.
func strangeLock(ctx context.Context, a *writer) error {
	modes := []string{"UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"}
	return a.in(ctx, func(t *tx) (bool, error) {
		for range 1 + a.r.IntN(3) {
			if _, err := t.Exec(ctx, `SELECT FROM contacts WHERE id = $1 FOR `+modes[a.r.IntN(len(modes))], a.anyID()); err != nil {
				return false, err
			}
		}
		pause(ctx, between(a.r, 10*time.Millisecond, time.Second))
		return true, nil
	})
}

// strangeUpdate changes what contactsync does not know.
func strangeUpdate(ctx context.Context, a *writer) error {
	return a.in(ctx, func(t *tx) (bool, error) {
		for range 1 + a.r.IntN(3) {
			if _, err := t.Exec(ctx, `UPDATE contacts SET app_seen = now() WHERE id = $1`, a.anyID()); err != nil {
				return false, err
			}
		}
		pause(ctx, between(a.r, 10*time.Millisecond, time.Second))
		return a.r.IntN(4) > 0, nil
	})
}
