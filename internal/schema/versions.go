package schema

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/pressly/goose/v3"

	"github.com/scrapersky/contactsync/migrations"
)

// State is how a migration, or the triggers, stand in a database.
type State string

// The states.
const (
	Applied State = "applied"
	Pending State = "pending" // `migrate up` will apply it
	Stale   State = "stale"   // the triggers: there, but not this binary's
	Unknown State = "unknown" // applied by a newer binary
)

// Version is one line of Status.
type Version struct {
	ID        int64  // 0 for the triggers
	Name      string // 00001_bookkeeping; "triggers"
	State     State
	AppliedAt time.Time // zero while pending
}

// Status lists all migrations, oldest first, and then the triggers. It changes
// nothing, and works on a database that was never migrated.
func Status(ctx context.Context, url string) (list []Version, err error) {
	defer func() { err = wrap("migrate status", err) }()
	config, err := parse(url, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // only reads were made

	list, err = versions(ctx, conn)
	if err != nil {
		return nil, err
	}
	line := Version{Name: "triggers", State: Pending}
	if list[0].State == Applied {
		found, err := triggersOf(ctx, conn)
		if err != nil {
			return nil, err
		}
		line.State, line.AppliedAt = found.state(), found.AppliedAt
	}
	return append(list, line), nil
}

// versions lists the migrations that this binary knows and those that the
// database has, by their number.
func versions(ctx context.Context, conn *pgx.Conn) ([]Version, error) {
	list := known()
	migrated, err := isMigrated(ctx, conn)
	if err != nil || !migrated {
		return list, err
	}
	rows, err := conn.Query(ctx, versionsSQL)
	if err != nil {
		return nil, err
	}
	var id int64
	var at pgtype.Timestamp
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		i := slices.IndexFunc(list, func(v Version) bool { return v.ID == id })
		if i < 0 {
			list = append(list, Version{ID: id, Name: fmt.Sprintf("%05d", id), State: Unknown, AppliedAt: at.Time})
			return nil
		}
		list[i].State, list[i].AppliedAt = Applied, at.Time
		return nil
	})
	slices.SortFunc(list, func(a, b Version) int { return cmp.Compare(a.ID, b.ID) })
	return list, err
}

// known lists this binary's migrations, all pending.
func known() []Version {
	list := []Version{{ID: version3, Name: name3, State: Pending}, {ID: version10, Name: name10, State: Pending}}
	files, _ := fs.Glob(migrations.FS, "*.sql") // the pattern is well-formed
	for _, file := range files {
		id, err := goose.NumericComponent(file)
		if err != nil {
			continue // goose leaves such a file out, too
		}
		list = append(list, Version{ID: id, Name: strings.TrimSuffix(file, ".sql"), State: Pending})
	}
	slices.SortFunc(list, func(a, b Version) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func nameOf(id int64) string {
	list := known()
	if i := slices.IndexFunc(list, func(v Version) bool { return v.ID == id }); i >= 0 {
		return list[i].Name
	}
	return fmt.Sprintf("%05d", id)
}

func isMigrated(ctx context.Context, conn *pgx.Conn) (migrated bool, err error) {
	err = conn.QueryRow(ctx, isMigratedSQL).Scan(&migrated)
	return migrated, wrap("look for the schema", err)
}
