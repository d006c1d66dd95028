package schema

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Check says whether a worker of this version can work in the database. It is
// meant for a start-up and takes no lock. The error is
//   - a *NotMigratedError when a migration is missing,
//   - an *UnsuitableError when the migrated contacts is not the one that the
//     connection's search_path leads to,
//   - a *StaleTriggersError, which a caller may take for a warning.
//
// A schema newer than this version is fine: during a deploy old workers go on
// for a while, so that migrations never take from them what they need to be right.
// (Version 10 took indexes from those before it, which then claim slowly.)
func Check(ctx context.Context, conn *pgx.Conn) error {
	list, err := versions(ctx, conn)
	if err != nil {
		return wrap("check the schema", err)
	}
	if missing := pendingOf(list); len(missing) > 0 {
		return &NotMigratedError{Pending: missing}
	}
	newer := slices.ContainsFunc(list, func(v Version) bool { return v.State == Unknown })
	if err := sameContacts(ctx, conn); err != nil {
		return err
	}
	found, err := triggersOf(ctx, conn)
	if err != nil {
		return wrap("check the triggers", err)
	}
	if !newer && found.state() != Applied {
		return &StaleTriggersError{Missing: found.Missing}
	}
	return nil
}

// pendingOf names the migrations that are missing.
func pendingOf(list []Version) []string {
	var pending []string
	for _, v := range list {
		if v.State == Pending {
			pending = append(pending, v.Name)
		}
	}
	return pending
}

// sameContacts compares the table that was migrated with the one that
// statements will find.
func sameContacts(ctx context.Context, conn *pgx.Conn) error {
	var migrated, visible string
	if err := conn.QueryRow(ctx, contactsSQL).Scan(&migrated, &visible); err != nil {
		return fmt.Errorf("look for contacts: %w", err)
	}
	if migrated == visible {
		return nil
	}
	if visible == "" {
		visible = "no table"
	}
	return &UnsuitableError{
		Problems: []string{fmt.Sprintf("%s was migrated, but the database URL's search_path leads to %s", migrated, visible)},
		Remedies: []string{
			"name the schema of " + migrated + " first: add ?search_path=<schema> to the database URL;",
			"or, if another table is meant now, run `contactsync migrate down --all` with the old URL and `contactsync migrate up` with the new one",
		},
	}
}
