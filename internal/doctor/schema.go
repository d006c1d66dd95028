package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/rowsecurity"
	"github.com/scrapersky/contactsync/internal/schema"
)

const (
	migrateUp     = "run `contactsync migrate up`; it is safe beside running replicas"
	migrateAttach = "run `contactsync migrate attach` when the app's migration is over"
)

func (d Database) schema(ctx context.Context) Finding {
	err := d.on(ctx, func(conn *pgx.Conn) error { return schema.Check(ctx, conn, d.Schema) })
	if missing, ok := errors.AsType[*schema.NotMigratedError](err); ok {
		return fail(migrateUp, "the database is not migrated (missing: %s)", strings.Join(missing.Pending, ", "))
	}
	if unfit, ok := errors.AsType[*schema.UnsuitableError](err); ok {
		return fail(strings.Join(unfit.Remedies, " "), "%s", strings.Join(unfit.Problems, "; "))
	}
	if _, stale := errors.AsType[*schema.StaleTriggersError](err); err != nil && !stale {
		return d.broken(err)
	}
	err = d.on(ctx, func(conn *pgx.Conn) error { return schema.CheckColumns(ctx, conn, d.Schema) })
	if unfit, ok := errors.AsType[*schema.UnsuitableError](err); ok {
		return fail(strings.Join(unfit.Remedies, " "), "%s", strings.Join(unfit.Problems, "; "))
	}
	if err != nil {
		return d.broken(err)
	}
	return fine("this version's, or newer")
}

func (d Database) privileges(ctx context.Context) Finding {
	missing := func(conn *pgx.Conn) (list []string, role string, err error) {
		read, written := d.usedColumns()
		found, err := rows[struct{ What string }](ctx, conn, sql.Text("privileges"), d.table().Name, read, written)
		for _, f := range found {
			list = append(list, f.What)
		}
		if err != nil {
			return nil, "", err
		}
		s, err := row[server](ctx, conn, sql.Text("server"))
		return list, s.User, err
	}
	for _, with := range []func(context.Context, func(*pgx.Conn) error) error{d.on, d.onDirect} {
		var list []string
		var role string
		err := with(ctx, func(conn *pgx.Conn) (err error) {
			list, role, err = missing(conn)
			return err
		})
		if err != nil {
			return d.broken(err)
		}
		if len(list) > 0 {
			return fail(fmt.Sprintf("with the URL of the role that owns contacts, run `contactsync migrate grant %s`", role),
				"role %s lacks: %s", role, strings.Join(list, "; "))
		}
		if d.URL == d.DirectURL {
			break
		}
	}
	return fine("this role may do all that a worker does")
}

// rowSecurity tells what row security hides from the roles that work here: this one,
// those who lead, and those that were granted a worker's rights.
func (d Database) rowSecurity(ctx context.Context) Finding {
	var list []rowsecurity.Hidden
	for _, with := range []func(context.Context, func(*pgx.Conn) error) error{d.on, d.onDirect} {
		err := with(ctx, func(conn *pgx.Conn) error {
			own, err := rowsecurity.From(ctx, conn, "", true)
			if err != nil {
				return err
			}
			leaders, err := rowsecurity.FromWhoeverLooks(ctx, conn)
			if err != nil {
				return err
			}
			list = append(append(list, own...), leaders...)
			workers, err := rows[struct{ Role string }](ctx, conn, sql.Text("workers"))
			for _, w := range workers {
				hidden, wrong := rowsecurity.From(ctx, conn, w.Role, true)
				list, err = append(list, hidden...), errors.Join(err, wrong)
			}
			return err
		})
		if err != nil {
			return d.broken(err)
		}
		if d.URL == d.DirectURL {
			break
		}
	}
	if len(list) == 0 {
		return fine("hides nothing from the roles that work here")
	}
	var words []string
	whole := false
	for _, h := range list {
		whole = whole || h.EveryRow
		if text := h.String(); !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	found, remedy := strings.Join(words, "; "), strings.Join(rowsecurity.SQL(list), " ")
	if whole {
		return fail(remedy, "%s: that role neither sees nor sends what is queued there", found)
	}
	return warn(remedy, "%s: that role neither sees nor sends what is queued there", found)
}

// extra tells whether the columns that a setting maps can be sent, by the
// role that sends them.
func (d Database) extra(ctx context.Context) Finding {
	var list columns.List
	err := d.onDirect(ctx, func(conn *pgx.Conn) error {
		target, err := d.target(ctx, conn)
		if err != nil {
			return err
		}
		list, err = columns.Find(ctx, conn, target.Table, d.Extra)
		return err
	})
	if bad, ok := errors.AsType[*columns.Error](err); ok {
		return fail("correct "+d.ExtraIn+" or contacts; until then no process starts", "%s", strings.Join(bad.Problems, "; "))
	}
	if err != nil {
		return d.broken(err)
	}
	var told []string
	for _, c := range list {
		told = append(told, fmt.Sprintf("%s (%s)", c.Name, c.Kind))
	}
	return fine("can be sent: %s", strings.Join(told, ", "))
}

// trigger is a row of triggers.
type trigger struct{ Name, Table, Enabled string }

// fires says whether a trigger fires for apps: O is the normal state, A fires
// always, R only where a replication applies changes, D never.
func (t trigger) fires() bool { return t.Enabled == "O" || t.Enabled == "A" }

// triggers tells whether they are there and of this version. Those that are
// there and do not fire are the next check's.
func (d Database) triggers(ctx context.Context) Finding {
	var checked error
	var there []trigger
	err := d.on(ctx, func(conn *pgx.Conn) (err error) {
		checked = schema.Check(ctx, conn, d.Schema)
		there, err = rows[trigger](ctx, conn, sql.Text("triggers"), d.table().Name)
		return err
	})
	if err != nil {
		return d.broken(err)
	}
	stale, ok := errors.AsType[*schema.StaleTriggersError](checked)
	if !ok {
		return fine("those of this version")
	}
	if !stale.Detached.IsZero() {
		return warn(migrateAttach, "detached since %s; until they are back contacts wait for the next tick", stale.Detached.UTC().Format(time.RFC3339))
	}
	gone := slices.DeleteFunc(slices.Clone(stale.Missing), func(name string) bool {
		return slices.ContainsFunc(there, func(t trigger) bool { return t.Name == name })
	})
	switch {
	case len(gone) > 0:
		return fail(migrateUp, "missing: %s; until then contacts wait for the next tick", strings.Join(gone, ", "))
	case len(stale.Astray) > 0:
		return fail(migrateUp, "on a column that was renamed: %s; until then contacts wait for the next tick", strings.Join(stale.Astray, ", "))
	case len(stale.Missing) > 0:
		return fine("those of this version are there")
	}
	return warn(migrateUp, "their text is not this version's, or the type of a column is not the one that they were made for")
}

// firing tells whether the triggers fire, for this role and for others, and whether
// another's comes after them.
func (d Database) firing(ctx context.Context) Finding {
	there, err := askAll[trigger](ctx, d, sql.Text("triggers"), d.table().Name)
	if err != nil {
		return d.broken(err)
	}
	var asleep, remedies []string
	for _, t := range there {
		if t.fires() {
			continue
		}
		state := "disabled"
		if t.Enabled == "R" {
			state = "enabled for replicas alone"
		}
		asleep = append(asleep, fmt.Sprintf("%s on %s is %s", t.Name, t.Table, state))
		remedies = append(remedies, fmt.Sprintf("ALTER TABLE %s ENABLE TRIGGER %s;", t.Table, t.Name))
	}
	if len(asleep) > 0 {
		return fail(strings.Join(remedies, " "), "%s: contacts wait for the next tick", strings.Join(asleep, ", "))
	}
	s, err := ask[server](ctx, d, sql.Text("server"))
	if err != nil {
		return d.broken(err)
	}
	whom, err := askAll[struct{ Alter string }](ctx, d, sql.Text("replica_roles"))
	if err != nil {
		return d.broken(err)
	}
	for _, f := range whom {
		remedies = append(remedies, fmt.Sprintf("ALTER %s RESET session_replication_role;", f.Alter))
	}
	switch {
	case s.Replication == "replica":
		return fail(strings.Join(append(remedies, "then let apps connect anew"), " "),
			"session_replication_role is replica for this role: no trigger fires, contacts wait for the next tick")
	case len(remedies) > 0:
		return warn(strings.Join(remedies, " "), "session_replication_role is replica for others: what those queue waits for the next tick")
	}
	late, err := askAll[struct{ Name, Table, Quoted, Early string }](ctx, d, sql.Text("late_triggers"), d.table().Name)
	if err != nil {
		return d.broken(err)
	}
	var names []string
	for _, t := range late {
		names = append(names, t.Name+" on "+t.Table)
		remedies = append(remedies, fmt.Sprintf("ALTER TRIGGER %s ON %s RENAME TO %s;", t.Quoted, t.Table, t.Early))
	}
	if len(names) > 0 {
		return warn(strings.Join(remedies, " ")+" Any name that sorts before zz_contactsync_requeue will do",
			"%s: fires after contactsync's triggers; a row that it makes Queued waits for the next tick", strings.Join(names, ", "))
	}
	return fine("all of them fire")
}
