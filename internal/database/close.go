package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// closeTimeout is how long a farewell may take.
const closeTimeout = time.Second

// Close closes a connection for good within two seconds, and with it whatever
// locks its session holds. A statement that was cut leaves a connection that
// says farewell in the background, for up to a quarter of a minute when the peer
// is silent; that is ended here by taking its socket away. That ctx has ended
// already changes nothing.
func Close(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = conn.Close(ctx) // it closes the socket whatever it answers
	select {
	case <-conn.PgConn().CleanupDone():
	case <-ctx.Done():
	}
	_ = conn.PgConn().Conn().Close()
}
