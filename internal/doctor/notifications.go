package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// notifications sends one as an app does and hears it as a leader does.
func (d Database) notifications(ctx context.Context) Finding {
	channel := "contactsync_doctor_" + strings.ToLower(rand.Text())
	var took time.Duration
	var deaf error
	err := d.onDirect(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return err
		}
		began := time.Now()
		err := d.on(ctx, func(app *pgx.Conn) error {
			_, err := app.Exec(ctx, "SELECT pg_notify($1, '')", channel)
			return err
		})
		if err != nil {
			return err
		}
		hearing, cancel := context.WithTimeout(ctx, d.limits.heard)
		defer cancel()
		_, deaf = conn.WaitForNotification(hearing)
		took = time.Since(began)
		return nil
	})
	switch {
	case err != nil:
		return d.broken(err)
	case pgconn.Timeout(deaf) || errors.Is(deaf, context.DeadlineExceeded):
		return fail("look for a pooler or a proxy between the two URLs; until then contacts wait for the next tick",
			"a notification sent through DATABASE_URL was not heard through DATABASE_DIRECT_URL within %v", d.limits.heard)
	case deaf != nil:
		return d.broken(deaf)
	}
	return fine("heard after %v", took.Round(10*time.Microsecond))
}

func (d Database) notificationQueue(ctx context.Context) Finding {
	s, err := ask[server](ctx, d, sql.Text("server"))
	switch {
	case err != nil:
		return d.broken(err)
	case s.NotifyUsage > d.limits.notify:
		return warn("find the session that has run LISTEN and sits in a transaction (see transactions) and end it; "+
			"when the queue is full, every transaction that queues a contact fails", "%.0f %% full", 100*s.NotifyUsage)
	}
	return fine("%.2g %% full", 100*s.NotifyUsage)
}
