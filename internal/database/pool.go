package database

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/database/encoding"
)

// NewPool makes a pool of at most maxConns connections for what people ask for:
// status, pages, commands. It connects when it is first used and closes what is
// idle for half a minute.
//
// Its connections are those of an app: an UPDATE through them is a person's
// request, which the triggers reset and ring for; contactsync.worker stays off.
// They may go through a pooler. Then nothing is SET at all, so that nothing
// stays behind on a connection that is another app's next, and no statement
// stays prepared there; the only deadlines are those of the caller's context.
func NewPool(ctx context.Context, url, name string, maxConns int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errURL
	}
	bound(config.ConnConfig)
	settings := sessionSettings(name)
	// Every pooler knows these startup parameters.
	config.ConnConfig.RuntimeParams["application_name"] = settings["application_name"]
	inUTF8(config.ConnConfig)
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe

	config.MaxConns = maxConns
	config.MinConns = 0
	config.MaxConnIdleTime = 30 * time.Second
	config.MaxConnLifetime = 30 * time.Minute
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.HealthCheckPeriod = 15 * time.Second
	config.PingTimeout = 2 * time.Second
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := encoding.Require(conn); err != nil {
			return err
		}
		_, direct, err := Backend(ctx, conn)
		if err != nil || !direct {
			return err
		}
		return set(ctx, conn, settings)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return pool, nil
}
