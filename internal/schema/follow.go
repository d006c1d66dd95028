package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/statement"
)

// follow finds the table that was migrated, whatever it is called by now: an app may have
// renamed it, or moved it to another schema. It returns nil where nothing tells.
func follow(ctx context.Context, db querier, records found) (*relation, error) {
	migrated := records.contacts().Name
	if migrated == "" {
		return nil, nil //nolint:nilnil // no table is no error here
	}
	indexes, names, numbers := []string{}, []string{}, []int{}
	for _, r := range records.of(kindIndex) {
		indexes = append(indexes, r.Name)
	}
	var oid uint32
	for _, r := range records.of(kindPlace) {
		var number int
		if _, err := fmt.Sscanf(r.Detail, "%d/%d", &oid, &number); err == nil {
			names, numbers = append(names, r.Name), append(numbers, number)
		}
	}
	rows, err := db.Query(ctx, catalogSQL.Text("followed"), indexes, oid, numbers, names)
	if err != nil {
		return nil, wrap("look for the table that was migrated", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[relation])
	if err != nil {
		return nil, wrap("look for the table that was migrated", err)
	}
	if i := slices.IndexFunc(list, func(r relation) bool { return r.Ident == migrated }); i >= 0 {
		return &list[i], nil
	}
	if len(list) == 1 {
		return &list[0], nil
	}
	return nil, nil //nolint:nilnil // of several nobody knows which
}

// moved says whether the table that was migrated is called otherwise now.
func (f found) moved() bool {
	return f.followed != nil && f.followed.Ident != f.contacts().Name
}

// upName records what the table is called now. The steps that come later put that name
// into views and triggers.
func (m *migrator) upName(ctx context.Context) ([]string, error) {
	if !m.found.moved() {
		return nil, nil
	}
	was := m.found.contacts()
	err := m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		if err := forget(ctx, tx, was); err != nil {
			return err
		}
		return add(ctx, tx, record{Kind: kindContacts, Name: m.found.followed.Ident, Detail: was.Detail})
	})
	if err != nil {
		return nil, err
	}
	return []string{stepContacts}, nil
}

// sameTable compares the table that was migrated with the one that statements will find.
// Renamed, it is the same one.
func (f found) sameTable() error {
	migrated, visible := f.contacts().Name, "no table"
	if f.table != nil {
		visible = f.table.Ident
	}
	switch {
	case migrated == "":
		return nil
	case f.followed != nil && f.table != nil && f.followed.OID == f.table.OID:
		return nil
	case f.moved():
		return f.movedAway(migrated, visible)
	case f.followed == nil && migrated == visible:
		return nil // without a trace of ours, which Up puts back
	case f.table == nil && f.followed == nil:
		return &UnsuitableError{
			Problems: []string{fmt.Sprintf("there is no table %s any more, which was migrated", migrated)},
			Remedies: []string{
				"if it is to be another one, or a new one: `contactsync migrate down --all`, then `contactsync migrate up`;",
				"or bring it back",
			},
		}
	}
	bad := &UnsuitableError{
		Problems: []string{fmt.Sprintf("%s was migrated, but CONTACTS_TABLE=%s and the database URL's search_path leads to %s", migrated, f.options.table(), visible)},
		Remedies: []string{"name the schema of " + migrated + " first: add " + searchPath(migrated) + " to the database URL, or set CONTACTS_TABLE=" + migrated + ";"},
	}
	if f.table != nil {
		bad.Remedies = append(bad.Remedies, "or, if another table is meant now: `contactsync migrate down --all`, then `contactsync migrate up`")
	}
	return bad
}

// movedAway says where the table is now, and how to get there.
func (f found) movedAway(migrated, visible string) error {
	now := f.followed.Ident
	bad := &UnsuitableError{
		Problems: []string{fmt.Sprintf("%s, which was migrated, is %s now, but CONTACTS_TABLE=%s and the database URL's search_path leads to %s",
			migrated, now, f.options.table(), visible)},
		Remedies: []string{fmt.Sprintf("set CONTACTS_TABLE=%s, then run `contactsync migrate up`, which follows it;", now)},
	}
	if f.table != nil {
		bad.Remedies = append(bad.Remedies, fmt.Sprintf("or, to leave %s and go on with %s: `contactsync migrate down --all`, then `contactsync migrate up`", now, visible))
	}
	return bad
}

// searchPath is the parameter of a database URL that leads to a table.
func searchPath(table string) string {
	return "?search_path=" + strings.TrimSuffix(table, "."+lastIdent(table))
}

// lastIdent is the last part of a qualified name, as it is written.
func lastIdent(name string) string {
	if strings.HasSuffix(name, `"`) {
		return statement.Quote(lastPart(name))
	}
	return lastPart(name)
}
