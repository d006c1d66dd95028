package schema

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/statement"
)

var (
	//go:embed preflight.sql
	preflightFile string
	preflightSQL  = statement.Parse(preflightFile)
)

// preflight looks before anything is touched. It returns what is to be added, and an error
// where that must not be: for want of rights, because the table cannot be used as it is, or
// because others would be harmed and nobody has said that they may be.
func (m *migrator) preflight(ctx context.Context) (plan []string, err error) {
	if err := m.suitable(ctx); err != nil {
		return nil, err
	}
	if plan, err = m.plan(ctx); err != nil || len(plan) == 0 {
		return plan, err
	}
	if err := m.allowed(ctx); err != nil {
		return plan, err
	}
	return plan, m.harmless(ctx)
}

// suitable refuses a table that is another one than was migrated, or cannot be used.
func (m *migrator) suitable(ctx context.Context) error {
	if err := m.look(ctx); err != nil {
		return err
	}
	if err := m.found.sameTable(); err != nil {
		return err
	}
	if err := m.emptyCopy(ctx); err != nil {
		return err
	}
	if list, err := m.found.destinations(); err != nil || len(list) == 0 {
		return errors.Join(errors.New("no destination is configured to migrate for"), err)
	}
	if m.found.table == nil {
		return m.creatable(ctx)
	}
	return m.usable(ctx)
}

// usable refuses a table that cannot hold what contactsync writes.
func (m *migrator) usable(ctx context.Context) error {
	wanted, err := m.found.declaredColumns()
	if err != nil {
		return err
	}
	renamed, err := m.found.renamed()
	if err != nil {
		return err
	}
	if list := append(m.found.table.unfit(wanted...), renamed...); list != nil {
		return list.err()
	}
	list, err := m.refused(ctx)
	if err == nil && list != nil {
		err = list.err()
	}
	return err
}

// creatable refuses to create a table that somebody has named, because it should be there,
// and one beside another of its name, unless that is wanted.
func (m *migrator) creatable(ctx context.Context) error {
	if m.options.table() != statement.Contacts().Name {
		return noTable(ctx, m.work, m.options)
	}
	home, err := m.home(ctx)
	if err != nil {
		return err
	}
	if home == "" {
		return &UnsuitableError{
			Problems: []string{"there is no table contacts, and search_path names no schema to create it in"},
			Remedies: []string{"add ?search_path=<schema> to the database URL"},
		}
	}
	if m.options.Create {
		return nil
	}
	others, err := m.namesakes(ctx)
	if err != nil || len(others) == 0 {
		return err
	}
	bad := UnsuitableError{Problems: []string{
		fmt.Sprintf("there is no table contacts in schema %s, to which the database URL leads, but there is %s", home, strings.Join(others, ", ")),
	}}
	for _, other := range others {
		remedy := "set CONTACTS_TABLE=" + other
		if lastPart(other) == m.options.table() { // and not in capitals
			remedy = fmt.Sprintf("add %s to the database URL (&search_path=… behind other parameters), or %s", searchPath(other), remedy)
		}
		bad.Remedies = append(bad.Remedies, remedy)
	}
	bad.Remedies = append(bad.Remedies, fmt.Sprintf("or, to have a new, empty table %s.contacts, run `contactsync migrate up --create`", home))
	return &bad
}

// namesakes lists the tables of the configured name in all schemas.
func (m *migrator) namesakes(ctx context.Context) ([]string, error) {
	rows, err := m.work.Query(ctx, catalogSQL.Text("namesakes"), lastPart(m.options.table()))
	if err != nil {
		return nil, wrap("look for other tables", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return list, wrap("look for other tables", err)
}

// home is the schema, as SQL, that a new table is created in; "" where there is none.
func (m *migrator) home(ctx context.Context) (home string, err error) {
	err = m.work.QueryRow(ctx, catalogSQL.Text("home")).Scan(&home)
	return home, wrap("look for a schema", err)
}

// plan lists what is to be added.
func (m *migrator) plan(ctx context.Context) (list []string, err error) {
	f := m.found
	for _, v := range f.versions {
		if v.State == Pending {
			list = append(list, fmt.Sprintf("contactsync's own tables, in schema contactsync (%s)", v.Name))
		}
	}
	name := f.tableIdent()
	if f.moved() {
		list = append(list, fmt.Sprintf("the name %s, which was %s, in the record, the views and the triggers", name, f.contacts().Name))
	}
	if f.table == nil {
		home, err := m.home(ctx)
		if err != nil {
			return nil, err
		}
		name = home + "." + f.options.table()
		list = append(list, "table "+name)
	}
	missing, err := f.missing()
	if err != nil {
		return nil, err
	}
	for _, w := range missing {
		list = append(list, fmt.Sprintf("column %s of %s, %s", statement.Name(statement.Table{Columns: f.options.Columns}.Column(w.name)), name, w.definition))
	}
	destinations, err := f.destinations()
	if err != nil {
		return nil, err
	}
	for _, d := range destinations {
		for _, ix := range indexesOf(statement.For(statement.Table{Name: name, ID: "uuid", Columns: f.options.Columns}, d, f.options.Written)) {
			state := indexMissing
			if f.table != nil {
				if state, err = m.findIndex(ctx, f.table.relation, ix); err != nil {
					return nil, err
				}
			}
			if (state != indexValid || f.recorded(kindIndex, ix.Name).Kind == "") && f.recorded(kindDetached, detachedIndexes).Kind == "" {
				list = append(list, fmt.Sprintf("index %s on %s", ix.Name, name))
			}
		}
	}
	steps, err := m.steps(ctx, name)
	return append(list, steps...), err
}

// steps lists what is declared as a whole, and the steps that were not recorded.
func (m *migrator) steps(ctx context.Context, name string) (list []string, err error) {
	f := m.found
	if f.table == nil {
		return []string{"views and functions, in schema contactsync", "triggers on " + name}, nil
	}
	views, err := f.views()
	if err != nil {
		return nil, err
	}
	if (!f.applied(views) || len(f.lost(views)) > 0) && !f.newer() {
		list = append(list, "views and functions, in schema contactsync")
	}
	triggers, err := f.triggerState(ctx, m.work)
	if err != nil {
		return nil, err
	}
	if triggers.State != Applied && !f.newer() && f.detachedSince().IsZero() {
		list = append(list, "triggers on "+name)
	}
	return list, nil
}

// tableIdent is the name of the table, where there is one.
func (f found) tableIdent() string {
	if f.table == nil {
		return ""
	}
	return f.table.Ident
}

// allowed refuses to begin what this role cannot end.
func (m *migrator) allowed(ctx context.Context) error {
	var oid uint32
	home := ""
	if m.found.table != nil {
		oid, home = m.found.table.OID, m.found.table.Schema
	} else {
		quoted, err := m.home(ctx)
		if err != nil {
			return err
		}
		home = lastPart(quoted)
	}
	rows, err := m.work.Query(ctx, preflightSQL.Text("lacking"), oid, home)
	if err != nil {
		return wrap("look for rights", err)
	}
	lacking, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(lacking) == 0 {
		return wrap("look for rights", err)
	}
	return &UnsuitableError{
		Problems: []string{fmt.Sprintf("role %s may not migrate: it lacks %s", m.config.User, strings.Join(lacking, "; "))},
		Remedies: []string{"use the URL of the role that owns contacts and may create schemas, or grant this one what it lacks"},
	}
}

// harm is what Up would do to others, and what to do about it.
type harm struct {
	reason   string
	remedies []string
}

// harmless refuses what would harm others, unless somebody says that it may.
func (m *migrator) harmless(ctx context.Context) error {
	var list []harm
	for _, look := range []func(context.Context) ([]harm, error){m.lookalikes, m.refusedRows, m.otherValues, m.replication} {
		some, err := look(ctx)
		if err != nil {
			return err
		}
		list = append(list, some...)
	}
	if len(list) == 0 {
		return nil
	}
	refusal := ConsentError{}
	for _, h := range list {
		if m.options.Yes {
			m.log.WarnContext(ctx, "going on as told", "although", h.reason)
		}
		refusal.Reasons = append(refusal.Reasons, h.reason)
		for _, remedy := range h.remedies {
			if !slices.Contains(refusal.Remedies, remedy) {
				refusal.Remedies = append(refusal.Remedies, remedy)
			}
		}
	}
	if m.options.Yes {
		return nil
	}
	return &refusal
}

// leaveNothing takes back what this run created where the server refused to let it even
// begin with the app's table, which the preflight did not foresee. What another session's
// locks kept it from can be tried again, and goes on from there.
func (m *migrator) leaveNothing(ctx context.Context, err error) error {
	_, blocked := errors.AsType[*BlockedError](err)
	_, refused := errors.AsType[*pgconn.PgError](err)
	if !m.createdSchema || blocked || !refused {
		return err
	}
	if looked := m.look(context.WithoutCancel(ctx)); looked != nil || m.found.contacts().Kind != "" {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	provider, wrong := m.provider()
	if wrong == nil {
		_, wrong = provider.DownTo(ctx, 0)
	}
	if wrong == nil {
		wrong = m.dropSchema(ctx)
	}
	if wrong != nil {
		return errors.Join(err, wrap("take back what was created", wrong))
	}
	return err
}
