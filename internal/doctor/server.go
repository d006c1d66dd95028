package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
)

// server is what server.sql gives.
type server struct {
	Number      int
	Version     string
	Standby     bool
	ReadOnly    bool
	MaxPrepared int
	NotifyUsage float64
	Replication string
	Login, User string // they differ after SET ROLE
	Called      string
}

// oldest is the first version that has all that the statements need.
const oldest = 14

func (d Database) reachable(ctx context.Context) Finding {
	var where string
	var took time.Duration
	err := d.on(ctx, func(conn *pgx.Conn) error {
		cfg := conn.Config()
		where = fmt.Sprintf("%s/%s as user %s", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))), cfg.Database, cfg.User)
		began := time.Now()
		_, err := conn.Exec(ctx, "SELECT 1")
		took = time.Since(began)
		return err
	})
	if err != nil {
		return d.broken(err)
	}
	return fine("%s, %s a round trip", where, took.Round(10*time.Microsecond))
}

func (d Database) version(ctx context.Context) Finding {
	s, err := ask[server](ctx, d, sql.Text("server"))
	switch {
	case err != nil:
		return d.broken(err)
	case s.Number/10000 < oldest:
		return fail(fmt.Sprintf("upgrade PostgreSQL to %d or later", oldest), "PostgreSQL %s", s.Version)
	}
	return fine("PostgreSQL %s", s.Version)
}

func (d Database) writable(ctx context.Context) Finding {
	s, err := ask[server](ctx, d, sql.Text("server"))
	switch {
	case err != nil:
		return d.broken(err)
	case s.Standby:
		return fail("name the primary in DATABASE_URL; with several hosts in it, add target_session_attrs=read-write", "this server is a standby")
	case s.ReadOnly:
		return fail(fmt.Sprintf("find out who made it read-only, and why (a full disk, perhaps); then ALTER DATABASE %s RESET default_transaction_read_only, "+
			"or the same for role %s", pgx.Identifier{s.Called}.Sanitize(), pgx.Identifier{s.Login}.Sanitize()),
			"transactions are read-only here (default_transaction_read_only)")
	}
	return fine("a primary that takes writes")
}

// pooler looks at what stands between the processes and the database, and
// whether both URLs lead to the same one.
func (d Database) pooler(ctx context.Context) Finding {
	type identity struct{ Text string }
	var direct identity
	err := d.onDirect(ctx, func(conn *pgx.Conn) (err error) {
		direct, err = row[identity](ctx, conn, sql.Text("identity"))
		return err
	})
	if pooled, ok := errors.AsType[*database.PooledError](err); ok {
		return fail("set DATABASE_DIRECT_URL to the database itself, or to a pooler in session mode",
			"a pooler in transaction mode is in the way (%s): locks and notifications would be lost", pooled.Found)
	}
	if err != nil {
		return d.broken(fmt.Errorf("the worker's connection: %w", err))
	}
	if d.URL == d.DirectURL {
		return fine("none in transaction mode")
	}
	app, err := ask[identity](ctx, d, sql.Text("identity"))
	switch {
	case err != nil:
		return d.broken(err)
	case app != direct:
		return fail("make both lead to the same database of the same server", "DATABASE_URL and DATABASE_DIRECT_URL lead to different databases")
	}
	return fine("DATABASE_DIRECT_URL leads past any to the same database")
}

func (d Database) twoPhase(ctx context.Context) Finding {
	s, err := ask[server](ctx, d, sql.Text("server"))
	switch {
	case err != nil:
		return d.broken(err)
	case s.MaxPrepared > 0:
		return warn("make sure that no transaction that queues contacts is prepared, or set max_prepared_transactions = 0",
			"max_prepared_transactions is %d: PREPARE TRANSACTION fails for a transaction that queues a contact while the consumer sleeps", s.MaxPrepared)
	}
	return fine("not in use (max_prepared_transactions = 0)")
}

// clock compares the clocks by several questions; the quickest answer tells
// most.
func (d Database) clock(ctx context.Context) Finding {
	type now struct{ Time time.Time }
	best, off := time.Hour, time.Duration(0)
	err := d.on(ctx, func(conn *pgx.Conn) error {
		for range 5 {
			began := time.Now()
			there, err := row[now](ctx, conn, sql.Text("clock"))
			if err != nil {
				return err
			}
			trip := time.Since(began)
			if trip < best {
				best, off = trip, there.Time.Sub(began.Add(trip/2))
			}
		}
		return nil
	})
	off, margin := off.Round(time.Millisecond), (best/2 + 5*time.Microsecond).Round(10*time.Microsecond)
	switch {
	case err != nil:
		return d.broken(err)
	case off.Abs() > d.limits.clock+margin:
		return warn("set one of the two by NTP; contactsync decides by the database's clock alone, but logs and the sync date are this machine's",
			"the database's clock is %v off this machine's (±%v)", off, margin)
	}
	return fine("%v off this machine's (±%v)", off, margin)
}
