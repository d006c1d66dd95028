package soak

import (
	"context"
	"strconv"
	"time"
)

// form is one way in which an app writes.
type form struct {
	name   string
	weight int
	do     func(ctx context.Context, a *writer) error
}

// forms are those of apps that want something synced.
func forms() []form {
	return []form{
		{"queue, autocommit", 6, queueNow},
		{"queue, committed late", 4, queueLate},
		{"rolled back", 1, rollBack},
		{"savepoint, partly rolled back", 2, savepoint},
		{"whole row saved", 4, saveWhole},
		{"edit, then queue", 2, editThenQueue},
		{"edit alone", 1, editAlone},
		{"queue again, nothing changed", 2, queueAgain},
		{"edit and queue while in flight", 4, queueInFlight},
		{"edit alone while in flight", 1, editInFlight},
		{"deleted and inserted again", 2, recreate},
		{"completed by hand", 1, completeByHand},
		{"scheduled", 2, scheduled},
		{"brought forward", 1, bringForward},
		{"several rows, a statement each", 2, several},
		{"several rows, one statement", 2, severalAtOnce},
		{"two-phase commit", 2, prepared},
		{"inserted", 1, insertNew},
	}
}

// The statements. $1 is always the token. A version is in two mapped columns, so
// that it shows when HubSpot gets the one of now and the other of then.
const (
	editSet  = `UPDATE contacts SET app_change = $1, phone_number = $3, name = 'Ada v' || $3, updated_at = now()`
	editSQL  = editSet + ` WHERE id = $2`
	queueSQL = editSet + `, hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued' WHERE id = $2`
	againSQL = `UPDATE contacts SET app_change = $1, hubspot_processing_status = 'Queued' WHERE id = $2`
)

// version is a new one, as it stands in the row.
func (a *writer) version() string { return strconv.FormatInt(a.told.versions.Add(1), 10) }

// anyID is the id of any contact.
func (a *writer) anyID() string { return contactID(a.r.IntN(contacts)) }

// exec runs a statement of a transaction that changes a row.
func (t *tx) exec(ctx context.Context, sql string, args ...any) error {
	tag, err := t.Exec(ctx, sql, append([]any{t.token}, args...)...)
	t.wrote = t.wrote || tag.RowsAffected() > 0
	return err
}

// lateness is how long a transaction stays open: mostly a moment.
func (a *writer) lateness() time.Duration {
	if a.r.IntN(4) == 0 {
		return between(a.r, 0, 800*time.Millisecond)
	}
	return between(a.r, 0, 60*time.Millisecond)
}

func queueNow(ctx context.Context, a *writer) error {
	return a.once(ctx, queueSQL, a.anyID(), a.version())
}

func queueLate(ctx context.Context, a *writer) error {
	return a.in(ctx, func(t *tx) (bool, error) {
		err := t.exec(ctx, queueSQL, a.anyID(), a.version())
		pause(ctx, a.lateness())
		return true, err
	})
}

func rollBack(ctx context.Context, a *writer) error {
	return a.in(ctx, func(t *tx) (bool, error) {
		err := t.exec(ctx, queueSQL, a.anyID(), a.version())
		pause(ctx, a.lateness())
		return false, err
	})
}

func editThenQueue(ctx context.Context, a *writer) error {
	id := a.anyID()
	if err := a.once(ctx, editSQL, id, a.version()); err != nil {
		return err
	}
	pause(ctx, a.lateness())
	return a.once(ctx, againSQL, id)
}

func editAlone(ctx context.Context, a *writer) error {
	return a.once(ctx, editSQL, a.anyID(), a.version())
}

func queueAgain(ctx context.Context, a *writer) error { return a.once(ctx, againSQL, a.anyID()) }

// inFlight is a contact that is claimed right now, or any one where none is.
func (a *writer) inFlight(ctx context.Context) string {
	fallback := a.anyID()
	id, err := ask[string](ctx, a.world,
		`SELECT contact_id::text FROM contactsync.claims WHERE until IS NULL ORDER BY md5(contact_id::text || $1) LIMIT 1`, fallback)
	if err != nil {
		return fallback
	}
	return id
}

func queueInFlight(ctx context.Context, a *writer) error {
	return a.once(ctx, queueSQL, a.inFlight(ctx), a.version())
}

func editInFlight(ctx context.Context, a *writer) error {
	return a.once(ctx, editSQL, a.inFlight(ctx), a.version())
}

func completeByHand(ctx context.Context, a *writer) error {
	const completeSQL = `UPDATE contacts SET app_change = $1, hubspot_processing_status = 'Complete' WHERE id = $2`
	id := a.anyID()
	if a.r.IntN(2) == 0 {
		id = a.inFlight(ctx)
	}
	return a.once(ctx, completeSQL, id)
}

func scheduled(ctx context.Context, a *writer) error {
	const scheduleSQL = editSet + `, hubspot_processing_status = 'Queued', next_retry_at = now() + make_interval(secs => $4) WHERE id = $2`
	return a.once(ctx, scheduleSQL, a.anyID(), a.version(), between(a.r, 0, 2*time.Second).Seconds())
}

// bringForward makes whatever waits for its time due at once.
func bringForward(ctx context.Context, a *writer) error {
	const forwardSQL = `UPDATE contacts SET app_change = $1, next_retry_at = CASE WHEN $3 THEN now() END
		WHERE id = $2 AND hubspot_processing_status = 'Queued'`
	return a.once(ctx, forwardSQL, a.anyID(), a.r.IntN(2) == 0)
}

func insertNew(ctx context.Context, a *writer) error {
	const insertSQL = `INSERT INTO contacts (app_change, email, phone_number, name, hubspot_processing_status)
		VALUES ($1, 'new' || $2 || '@example.org', $2, 'Ada v' || $2, 'Queued')`
	return a.once(ctx, insertSQL, a.version())
}
