package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/pressly/goose/v3"

	"github.com/scrapersky/contactsync/internal/statement"
)

// State is how a step stands in a database.
type State string

// The states.
const (
	Applied State = "applied"
	Pending State = "pending" // `migrate up` will apply it
	Stale   State = "stale"   // views, triggers: there, but not this binary's
	Unknown State = "unknown" // applied by a newer binary

	Detached State = "detached" // Detach took it off; Attach puts it back
)

// Version is one line of Status.
type Version struct {
	ID        int64  // of contactsync's own tables; 0 for what is declared
	Name      string // 00001_bookkeeping; "… columns", after a destination; "triggers"
	State     State
	AppliedAt time.Time // or since when it is detached; zero while pending
	Lacks     []string  // the columns that are gone since it was applied
}

// The steps that have no version.
const (
	stepContacts = "contacts" // the table, and the columns that all destinations share
	stepViews    = "views"
	stepTriggers = "triggers"
)

func columnsStep(destination string) string {
	if destination == "" {
		return stepContacts
	}
	return destination + " columns"
}

func indexesStep(destination string) string { return destination + " indexes" }

// Status lists contactsync's own tables by their versions, oldest first, and then what
// is declared. It changes nothing, and works on a database that was never migrated.
func Status(ctx context.Context, url string, o Options) (list []Version, err error) {
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
	f, err := look(ctx, conn, o, standardPolicy().files)
	if err != nil {
		return nil, err
	}
	list, err = f.declared()
	if err != nil {
		return nil, err
	}
	triggers := Version{Name: stepTriggers, State: Pending}
	if f.table != nil {
		if triggers, err = f.triggerState(ctx, conn); err != nil {
			return nil, err
		}
	}
	return slices.Concat(f.versions, list, []Version{triggers}), nil
}

// declared lists the steps that have no version, but for the triggers.
func (f found) declared() ([]Version, error) {
	destinations, err := f.destinations()
	if err != nil {
		return nil, err
	}
	missing, err := f.missing()
	if err != nil {
		return nil, err
	}
	line := func(name string, r record, complete bool) Version {
		if r.Kind == "" || !complete {
			return Version{Name: name, State: Pending}
		}
		return Version{Name: name, State: Applied, AppliedAt: r.At}
	}
	columns := func(destination string, r record) Version {
		v := line(columnsStep(destination), r, !lacks(missing, destination))
		if r.Kind != "" {
			for _, w := range missing {
				if w.destination == destination {
					v.Lacks = append(v.Lacks, w.name)
				}
			}
		}
		return v
	}
	list := []Version{columns("", f.contacts())}
	for _, d := range destinations {
		list = append(list, columns(d.Name, f.recorded(kindDestination, d.Name)))
		// Whether an index is there and valid is a matter of speed, and of `doctor`.
		last := f.recorded(kindOrder, d.Name)
		if f.table != nil {
			for _, ix := range indexesOf(statement.For(f.table.statement(), d, f.options.Written)) {
				if f.recorded(kindIndex, ix.Name).Kind == "" {
					last = record{}
				}
			}
		}
		indexes := line(indexesStep(d.Name), last, f.table != nil)
		if off := f.recorded(kindDetached, detachedIndexes); off.Kind != "" {
			indexes.State, indexes.AppliedAt = Detached, off.At
		}
		list = append(list, indexes)
	}
	if len(f.otherIDs()) > 0 {
		list = append(list, Version{Name: stepIDs, State: Pending})
	}
	views := line(stepViews, f.recorded(kindViews, textHash), f.table != nil)
	if f.table != nil && views.State == Applied {
		s, wrong := f.views()
		err = errors.Join(err, wrong)
		switch {
		case f.newer():
		case len(f.lost(s)) > 0:
			views = Version{Name: stepViews, State: Pending}
		case !f.applied(s):
			views.State = Stale
		}
	}
	return append(list, views), err
}

// versions lists the versions that this binary knows and those that the
// database has, by their number.
func versions(ctx context.Context, db querier, files fs.FS) ([]Version, error) {
	list := known(files)
	migrated, err := isMigrated(ctx, db)
	if err != nil || !migrated {
		return list, err
	}
	rows, err := db.Query(ctx, recordSQL.Text("versions"))
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
	return list, wrap("read the versions", err)
}

// known lists this binary's versions, all pending.
func known(files fs.FS) (list []Version) {
	names, _ := fs.Glob(files, "*.sql") // the pattern is well-formed
	for _, file := range names {
		id, err := goose.NumericComponent(file)
		if err != nil {
			continue // goose leaves such a file out, too
		}
		list = append(list, Version{ID: id, Name: strings.TrimSuffix(file, ".sql"), State: Pending})
	}
	return list
}

func isMigrated(ctx context.Context, db querier) (migrated bool, err error) {
	err = db.QueryRow(ctx, recordSQL.Text("migrated")).Scan(&migrated)
	return migrated, wrap("look for the schema", err)
}

// upVersions applies the versions that are missing, for the type of the table's id.
func (m *migrator) upVersions(ctx context.Context) ([]string, error) {
	provider, err := m.provider()
	if err != nil {
		return nil, err
	}
	done, err := provider.Up(ctx)
	return m.names(done, err), err
}

// provider is goose with the files as they are for the table.
func (m *migrator) provider() (*goose.Provider, error) {
	table := statement.Contacts()
	if m.found.table != nil {
		table = m.found.table.statement()
	}
	rendered := fstest.MapFS{}
	names, err := fs.Glob(m.how.files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(m.how.files, name)
		if err != nil {
			return nil, err
		}
		rendered[name] = &fstest.MapFile{Data: []byte(statement.Script(table, nil, m.options.Written, string(text)))}
	}
	return goose.NewProvider(goose.DialectPostgres, m.db, rendered,
		goose.WithDisableGlobalRegistry(true),
		goose.WithTableName("contactsync.goose_db_version"),
		goose.WithAllowOutofOrder(true), // a version that landed after a later one is not missing for ever
	)
}

// names lists what was done, also where the rest of it failed.
func (m *migrator) names(done []*goose.MigrationResult, err error) (list []string) {
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		done = partial.Applied
	}
	known := known(m.how.files)
	for _, r := range done {
		i := slices.IndexFunc(known, func(v Version) bool { return v.ID == r.Source.Version })
		list = append(list, known[i].Name) // goose knows no other files
	}
	return list
}
