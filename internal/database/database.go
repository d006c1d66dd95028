// Package database makes connections as contactsync wants them: named, in UTC,
// with deadlines on both sides, and never through a pooler that would break
// them in silence.
//
// Every setting is made by SET after connecting, because poolers reject startup
// parameters they do not know; and only after a look at whether a pooler is in
// between, because a SET through one would stay behind on a connection that
// other apps use next. One of those settings is what tells the triggers to keep
// quiet, so that would cost the other apps their wake-ups.
package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database/encoding"
)

// Deadlines of making a connection: of one host, where the URL does not say
// otherwise, and of all of them with the first statements.
const (
	dialTimeout    = 5 * time.Second
	connectTimeout = 12 * time.Second
)

// Connect opens a connection of a worker: one that the triggers on contacts
// neither reset nor ring for. Its application_name is contactsync/<name>. It
// gives up after 12 s; statements are cut by the server after 15 s. An error
// never holds the password. A pooler in transaction mode is refused with a
// *PooledError.
func Connect(ctx context.Context, url, name string) (*pgx.Conn, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	settings := sessionSettings(name)
	settings["contactsync.worker"] = "on"
	takeRuntimeParams(config, settings)
	inUTF8(config)

	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", refusedSetting(err))
	}
	if err := encoding.Require(conn); err != nil {
		Close(ctx, conn)
		return nil, err
	}
	if err := refuseShared(ctx, conn, config); err != nil {
		Close(ctx, conn)
		return nil, err
	}
	if err := set(ctx, conn, settings); err != nil {
		Close(ctx, conn)
		return nil, fmt.Errorf("connect: %w", refusedSetting(err))
	}
	return conn, nil
}

// errURL takes the place of the parser's error. That one quotes the URL, and
// what it takes for the password is a guess when the URL is malformed.
var errURL = errors.New("connect: the database URL cannot be read; " +
	"expected postgres://user:password@host:5432/database with special characters percent-encoded")

func parse(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errURL
	}
	bound(config)
	return config, nil
}

// bound gives the making of a connection its deadline, and the connection probes
// that notice a silent peer within half a minute even while nothing is sent.
func bound(config *pgx.ConnConfig) {
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = dialTimeout
	}
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	config.DialFunc = dialer.DialContext
}
