package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/schema"
	"github.com/scrapersky/contactsync/internal/statement"
)

// area is the heading of these checks.
const areaDatabase = "Database"

// The checks that others need.
const (
	checkReachable = "reachable"
	checkPooler    = "pooler"
	checkWritable  = "writable"
	checkSchema    = "schema"
	checkIndexes   = "indexes"
)

// Database is the database to look at, as the processes use it.
type Database struct {
	Pool      *pgxpool.Pool // DATABASE_URL, as database.NewPool makes it
	URL       string
	DirectURL string // of the worker's connections; may be URL
	Name      string // of this process, as its connections are named

	Schema      schema.Options
	Destination destination.Info // whose queue to look at
	Extra       []string         // columns of contacts that are sent beyond those of the contract
	ExtraIn     string           // the setting that names them
	// Remedy says what to do about an error of connecting; empty: nothing is known.
	Remedy func(err error) string

	limits thresholds
}

// thresholds are what the checks take for too much.
type thresholds struct {
	transaction time.Duration // how long one may be open
	clock       time.Duration // how much the clocks may differ
	notify      float64       // how full the notification queue may be, 0 to 1
	free        int           // how many connections should be left
	needed      int           // how many a leader needs
	bloat       int64         // bytes of an index that are not worth a word
	overdue     time.Duration // how long a row may be due while somebody leads
	heard       time.Duration // how long a notification may take
	patience    time.Duration // how long a leader gets to prove that it works
}

func standard() thresholds {
	return thresholds{
		transaction: 5 * time.Minute, clock: 5 * time.Second, notify: 0.25, free: 10, needed: 3,
		bloat: 8 << 20, overdue: time.Minute, heard: 3 * time.Second, patience: 3 * time.Second,
	}
}

// Checks lists the checks of a database, in the order in which they help most.
func (d Database) Checks() []Check {
	if d.limits == (thresholds{}) {
		d.limits = standard()
	}
	if d.Remedy == nil {
		d.Remedy = func(error) string { return "" }
	}
	reachable, migrated := []string{checkReachable}, []string{checkReachable, checkSchema}
	checks := []Check{
		{Name: checkReachable, Run: d.reachable},
		{Name: "version", Needs: reachable, Run: d.version},
		{Name: checkPooler, Needs: reachable, Within: 30 * time.Second, Run: d.pooler},
		{Name: checkWritable, Needs: reachable, Run: d.writable},
		{Name: "privileges", Needs: []string{checkReachable, checkPooler}, Run: d.privileges},
		{Name: checkSchema, Needs: reachable, Run: d.schema},
		{Name: "row security", Needs: migrated, Run: d.rowSecurity},
		{Name: "triggers", Needs: migrated, Run: d.triggers},
		{Name: "triggers enabled", Needs: migrated, Run: d.firing},
		{Name: checkIndexes, Needs: migrated, Run: d.indexes},
		{Name: "children", Needs: migrated, Run: d.children},
		{Name: "search_path", Needs: reachable, Run: d.searchPath},
		{Name: "claim", Needs: []string{checkReachable, checkSchema, checkIndexes, checkWritable}, Run: d.claim},
		{Name: "a try", Needs: []string{checkReachable, checkPooler, checkSchema, checkWritable}, Run: d.try},
		{Name: "notifications", Needs: []string{checkReachable, checkPooler, checkWritable}, Run: d.notifications},
		{Name: "notification queue", Needs: reachable, Run: d.notificationQueue},
		{Name: "transactions", Needs: reachable, Run: d.transactions},
		{Name: "two-phase commit", Needs: reachable, Run: d.twoPhase},
		{Name: "connections", Needs: reachable, Run: d.connections},
		{Name: "clock", Needs: reachable, Run: d.clock},
		{Name: "bloat", Needs: migrated, Run: d.bloat},
		{Name: "replicas", Needs: migrated, Run: d.replicas},
		{Name: "queue", Needs: migrated, Run: d.queue},
	}
	if len(d.Extra) > 0 {
		checks = append(checks, Check{Name: "mapped columns", Needs: migrated, Run: d.extra})
	}
	for i := range checks {
		checks[i].Area = areaDatabase
	}
	return checks
}

// broken is the finding where a check could not be made to its end.
func (d Database) broken(err error) Finding {
	return fail(d.Remedy(err), "%v", err)
}

// store is the queue as people see it.
func (d Database) store() *ops.Store {
	return ops.Later(d.Pool, d.Destination, func(ctx context.Context) (target statement.Target, err error) {
		err = d.on(ctx, func(conn *pgx.Conn) error {
			target, err = d.target(ctx, conn)
			return err
		})
		return target, err
	})
}

// target is what statements are rendered for: the table as it is in the database.
func (d Database) target(ctx context.Context, conn *pgx.Conn) (statement.Target, error) {
	table, err := schema.FindTable(ctx, conn, d.Schema)
	if err != nil {
		return statement.Target{}, err
	}
	return statement.For(table, d.Destination, d.Schema.Written), nil
}

// on has work done on a connection of an app's.
func (d Database) on(ctx context.Context, work func(conn *pgx.Conn) error) error {
	conn, err := d.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return work(conn.Conn())
}

// onDirect has work done on a connection of a worker's.
func (d Database) onDirect(ctx context.Context, work func(conn *pgx.Conn) error) error {
	conn, err := database.Connect(ctx, d.DirectURL, d.Name)
	if err != nil {
		return err
	}
	defer database.Close(ctx, conn)
	return work(conn)
}

// rows reads what a query gives, by the places of T's fields.
func rows[T any](ctx context.Context, conn *pgx.Conn, query string, args ...any) ([]T, error) {
	found, err := conn.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("look at the database: %w", err)
	}
	list, err := pgx.CollectRows(found, pgx.RowToStructByPos[T])
	if err != nil {
		return nil, fmt.Errorf("look at the database: %w", err)
	}
	return list, nil
}

// row reads the one row that a query gives.
func row[T any](ctx context.Context, conn *pgx.Conn, query string, args ...any) (T, error) {
	var none T
	list, err := rows[T](ctx, conn, query, args...)
	if err != nil {
		return none, err
	}
	if len(list) != 1 {
		return none, fmt.Errorf("look at the database: %d rows, expected one", len(list))
	}
	return list[0], nil
}

// ask reads one row on a connection of an app's.
func ask[T any](ctx context.Context, d Database, query string, args ...any) (answer T, err error) {
	err = d.on(ctx, func(conn *pgx.Conn) error {
		answer, err = row[T](ctx, conn, query, args...)
		return err
	})
	return answer, err
}

// askAll reads all rows on a connection of an app's.
func askAll[T any](ctx context.Context, d Database, query string, args ...any) (answer []T, err error) {
	err = d.on(ctx, func(conn *pgx.Conn) error {
		answer, err = rows[T](ctx, conn, query, args...)
		return err
	})
	return answer, err
}
