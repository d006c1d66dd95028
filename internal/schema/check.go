package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Check says whether a worker of this version can work in the database. It is
// meant for a start-up and takes no lock. The error is
//   - a *NotMigratedError when something is missing that Up applies,
//   - an *UnsuitableError when the migrated contacts is not the one that the
//     options and the connection's search_path lead to,
//   - a *StaleTriggersError, which a caller may take for a warning.
//
// A schema newer than this version is fine: during a deploy old workers go on
// for a while, so that migrations never take from them what they need to be right.
func Check(ctx context.Context, conn *pgx.Conn, o Options) error {
	f, err := look(ctx, conn, o, standardPolicy().files)
	if err == nil {
		err = f.ready()
	}
	if err != nil {
		return wrap("check the schema", err)
	}
	state, err := f.triggerState(ctx, conn)
	if err != nil || state.State == Applied || f.newer() {
		return wrap("check the triggers", err)
	}
	s, err := f.triggers()
	if err != nil {
		return err
	}
	stale := &StaleTriggersError{Detached: f.detachedSince()}
	stale.Missing, stale.Astray, err = missingTriggers(ctx, conn, f.table, s)
	if err != nil {
		return err
	}
	return stale
}

// CheckColumns says whether the columns are still of types that contactsync can use: the
// app may have changed them, or the labels of an enum, since Up looked. The error is an
// *UnsuitableError.
func CheckColumns(ctx context.Context, conn *pgx.Conn, o Options) error {
	f, err := look(ctx, conn, o, standardPolicy().files)
	if err != nil || f.table == nil {
		return wrap("check the columns", err)
	}
	wanted, err := f.declaredColumns()
	if err != nil {
		return err
	}
	if list := f.table.unfit(wanted...); list != nil {
		return list.err()
	}
	return nil
}

// ready says whether everything is there, but for the triggers.
func (f found) ready() error {
	pending := func(list []Version) (names []string) {
		for _, v := range list {
			switch {
			case v.State != Pending:
			case len(v.Lacks) > 0:
				names = append(names, v.Name+" ("+strings.Join(v.Lacks, ", ")+")")
			default:
				names = append(names, v.Name)
			}
		}
		return names
	}
	if f.contacts().Kind != "" && len(pending(f.versions)) == 0 {
		if err := f.sameTable(); err != nil {
			return err
		}
		if f.moved() {
			return &UnsuitableError{
				Problems: []string{fmt.Sprintf("%s, which was migrated, is %s now", f.contacts().Name, f.followed.Ident)},
				Remedies: []string{"run `contactsync migrate up`, which follows it"},
			}
		}
	}
	renamed, err := f.renamed()
	if err != nil {
		return err
	}
	if renamed != nil {
		return renamed.err()
	}
	list, err := f.declared()
	if err != nil {
		return err
	}
	if missing := pending(slices.Concat(f.versions, list)); len(missing) > 0 {
		return &NotMigratedError{Pending: missing}
	}
	return nil
}

// triggerState is how the triggers of a database compare with this binary's.
func (f found) triggerState(ctx context.Context, db querier) (Version, error) {
	s, err := f.triggers()
	if err != nil {
		return Version{}, err
	}
	missing, astray, err := missingTriggers(ctx, db, f.table, s)
	if err != nil {
		return Version{}, err
	}
	r := f.recorded(kindTriggers, textHash)
	v := Version{Name: stepTriggers, State: Pending, AppliedAt: r.At}
	switch {
	case !f.detachedSince().IsZero():
		v.State, v.AppliedAt = Detached, f.detachedSince()
	case f.applied(s) && len(missing)+len(astray) == 0:
		v.State = Applied
	case r.Kind != "":
		v.State = Stale
	}
	return v, nil
}
