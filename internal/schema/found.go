package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"time"

	_ "embed" // the statements

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

var (
	//go:embed record.sql
	recordFile string
	recordSQL  = statement.Parse(recordFile)
)

// The kinds of what is recorded in contactsync.installed.
const (
	kindContacts    = "contacts"    // name: the app's table; detail: created or found
	kindDestination = "destination" // detail: its destination.Info as JSON
	kindColumn      = "column"      // on the app's table; detail: its definition
	kindIndex       = "index"       // on the app's table; detail: its definition
	kindOrder       = "order"       // the queue has its order; name: the destination
	kindView        = "view"
	kindFunction    = "function"
	kindRole        = "role" // detail: its rights
	kindViews       = "views"
	kindTriggers    = "triggers"
	kindDetached    = "detached" // name: what Detach took off, until Attach: triggers, indexes
	kindPlace       = "place"    // name: a column of the app's table; detail: the table's oid and the column's number
)

// created is the detail of a table that Up made.
const created = "created"

// textHash is the name under which the hash of views and triggers is recorded.
const textHash = "sha256"

// record is a row of contactsync.installed.
type record struct {
	Kind, Name, Detail, Destination string
	At                              time.Time
}

// found is how a database stands, beside what is wanted of it.
type found struct {
	options  Options
	versions []Version // of contactsync's own tables, also those that are missing
	records  []record  // what Up has created, the oldest first
	table    *table    // the app's; nil where there is none
	objects  []record  // the views and functions of ours that there are
	ids      []idColumn
	followed *relation // the one that was migrated, whatever it is called now; nil where nothing tells
	copied   bool      // our own tables are there, and empty
}

// look finds out how a database stands. It takes no lock and changes nothing. The error
// is an *UnsuitableError where the name of the table leads to something else.
func look(ctx context.Context, db querier, o Options, files fs.FS) (f found, err error) {
	f.options = o
	if f.versions, err = versions(ctx, db, files); err != nil {
		return f, err
	}
	if f.records, err = records(ctx, db); err != nil {
		return f, err
	}
	if err = f.readable(ctx, db); err != nil {
		return f, err
	}
	if len(f.records) == 0 {
		if f.copied, err = isCopy(ctx, db); err != nil {
			return f, err
		}
	}
	if f.followed, err = follow(ctx, db, f); err != nil {
		return f, err
	}
	if f.table, err = findTable(ctx, db, o.table(), o); err != nil {
		return f, err
	}
	rows, err := db.Query(ctx, catalogSQL.Text("ids"))
	if err != nil {
		return f, wrap("look for the type of ids", err)
	}
	if f.ids, err = pgx.CollectRows(rows, pgx.RowToStructByPos[idColumn]); err != nil {
		return f, wrap("look for the type of ids", err)
	}
	rows, err = db.Query(ctx, catalogSQL.Text("objects"))
	if err != nil {
		return f, wrap("look for the views", err)
	}
	f.objects, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r record, err error) {
		err = row.Scan(&r.Kind, &r.Name)
		return r, err
	})
	return f, wrap("look for the views", err)
}

func records(ctx context.Context, db querier) ([]record, error) {
	migrated, err := isMigrated(ctx, db)
	if err != nil || !migrated {
		return nil, err
	}
	rows, err := db.Query(ctx, recordSQL.Text("all"))
	if err != nil {
		return nil, wrap("read what was installed", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[record])
	return list, wrap("read what was installed", err)
}

// of lists the records of a kind.
func (f found) of(kind string) (list []record) {
	for _, r := range f.records {
		if r.Kind == kind {
			list = append(list, r)
		}
	}
	return list
}

// recorded returns the record of that name; it is zero where there is none.
func (f found) recorded(kind, name string) record {
	i := slices.IndexFunc(f.records, func(r record) bool { return r.Kind == kind && r.Name == name })
	if i < 0 {
		return record{}
	}
	return f.records[i]
}

// contacts returns the record of the app's table; it is zero before the first Up.
func (f found) contacts() record {
	if list := f.of(kindContacts); len(list) > 0 {
		return list[0]
	}
	return record{}
}

// destinations lists those that are configured and those that were installed once, by
// their ordinals.
func (f found) destinations() ([]destination.Info, error) {
	list, err := f.installed()
	if err != nil {
		return nil, err
	}
	for _, d := range f.options.Destinations {
		list = slices.DeleteFunc(list, func(other destination.Info) bool { return other.Name == d.Name })
		list = append(list, d)
	}
	slices.SortStableFunc(list, func(a, b destination.Info) int { return a.Ordinal - b.Ordinal })
	return list, nil
}

// installed lists the destinations that Up was run for, the first one first.
func (f found) installed() (list []destination.Info, err error) {
	for _, r := range f.of(kindDestination) {
		var d destination.Info
		if err := json.Unmarshal([]byte(r.Detail), &d); err != nil {
			return nil, fmt.Errorf("read destination %s in contactsync.installed: %w", r.Name, err)
		}
		list = append(list, d)
	}
	return list, nil
}

// add records what was created.
func add(ctx context.Context, db execer, list ...record) error {
	for _, r := range list {
		if _, err := db.Exec(ctx, recordSQL.Text("add"), r.Kind, r.Name, r.Detail, r.Destination); err != nil {
			return fmt.Errorf("record %s %s: %w", r.Kind, r.Name, err)
		}
	}
	return nil
}

// forget takes records away.
func forget(ctx context.Context, db execer, list ...record) error {
	for _, r := range list {
		if _, err := db.Exec(ctx, recordSQL.Text("forget"), r.Kind, r.Name); err != nil {
			return fmt.Errorf("forget %s %s: %w", r.Kind, r.Name, err)
		}
	}
	return nil
}

// newer says whether a newer binary has been here.
func (f found) newer() bool {
	return slices.ContainsFunc(f.versions, func(v Version) bool { return v.State == Unknown })
}
