package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/migrations"
	"github.com/scrapersky/contactsync/triggers"
)

// script is SQL that is applied again whenever its text changed.
type script struct {
	kind string // of its record
	text string // for the table and all destinations
}

func (s script) hash() string {
	sum := sha256.Sum256([]byte(s.text))
	return hex.EncodeToString(sum[:])
}

// views are the functions and views for people, triggers the triggers on contacts.
func (f found) views() (script, error) {
	return f.script(kindViews, migrations.Objects, "objects/*.sql")
}
func (f found) triggers() (script, error) { return f.script(kindTriggers, triggers.FS, "*.sql") }

// types is the types of the columns that the triggers use. An app's sessions keep the
// plans that they made for the old types until the functions are replaced.
func (f found) types(list []destination.Info) string {
	used := []string{"updated_at"}
	for _, d := range list {
		c := d.Columns
		used = append(used, c.Status, c.Error, c.Code, c.Tries, c.DueAt, c.QueuedAt)
	}
	var text strings.Builder
	text.WriteString("\n-- for the types")
	for _, name := range used {
		if c := f.table.column(f.table.statement().Column(name)); c != nil {
			fmt.Fprintf(&text, " %q", c.Type)
		}
	}
	return text.String() + "\n"
}

func (f found) script(kind string, files fs.FS, pattern string) (script, error) {
	list, err := f.destinations()
	if err != nil {
		return script{}, err
	}
	return f.render(kind, files, pattern, list)
}

// render reads the files in the order of their names.
func (f found) render(kind string, files fs.FS, pattern string, list []destination.Info) (script, error) {
	var text strings.Builder
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return script{}, err
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return script{}, err
		}
		text.Write(content)
	}
	s := script{kind, statement.Script(f.table.statement(), list, f.options.Written, text.String())}
	if kind == kindTriggers {
		s.text += f.types(list)
	}
	return s, nil
}

// applied says whether this text was the last one to be applied.
func (f found) applied(s script) bool { return f.recorded(s.kind, textHash).Detail == s.hash() }

// object is a view or a function that a script creates.
var object = regexp.MustCompile(`(?m)^CREATE OR REPLACE (VIEW|FUNCTION) contactsync\.(\w+)`)

// objects lists what a script creates.
func (s script) objects() (list []record) {
	for _, match := range object.FindAllStringSubmatch(s.text, -1) {
		r := record{Kind: strings.ToLower(match[1]), Name: match[2]}
		if !slices.Contains(list, r) { // a function may have several signatures
			list = append(list, r)
		}
	}
	return list
}

// lost lists what a script created that is not there any more.
func (f found) lost(s script) []record {
	return slices.DeleteFunc(s.objects(), func(r record) bool { return slices.Contains(f.objects, r) })
}

// upViews applies the functions and views, and drops those that are not wanted any more.
// Roles that may look are given what they need in the same moment.
func (m *migrator) upViews(ctx context.Context) ([]string, error) {
	s, err := m.found.views()
	if err != nil || m.found.applied(s) && len(m.found.lost(s)) == 0 || m.mayNot(ctx, s) {
		return nil, err
	}
	err = m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		if err := m.replaceViews(ctx, tx, s); err != nil {
			return err
		}
		return m.grantAll(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return []string{stepViews}, nil
}

func (m *migrator) replaceViews(ctx context.Context, tx pgx.Tx, s script) error {
	wanted := s.objects()
	var gone []record
	for _, r := range slices.Concat(m.found.of(kindView), m.found.of(kindFunction)) {
		if !slices.ContainsFunc(wanted, func(w record) bool { return w.Kind == r.Kind && w.Name == r.Name }) {
			gone = append(gone, r)
		}
	}
	// First what is new: a view that stays may need what is to go until then.
	if _, err := tx.Exec(ctx, s.text, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	if err := m.dropObjects(ctx, tx, gone); err != nil {
		return err
	}
	return add(ctx, tx, append(wanted, record{Kind: s.kind, Name: textHash, Detail: s.hash()})...)
}

// dropObjects drops the views at once and then the functions at once: some need others.
// Without CASCADE: what others made depend on them is theirs.
func (m *migrator) dropObjects(ctx context.Context, tx pgx.Tx, list []record) error {
	var views, functions []string
	for _, r := range list {
		if r.Kind == kindView {
			views = append(views, pgx.Identifier{"contactsync", r.Name}.Sanitize())
		} else {
			functions = append(functions, r.Name)
		}
	}
	if len(views) > 0 {
		if _, err := tx.Exec(ctx, "DROP VIEW IF EXISTS "+strings.Join(views, ", ")); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, catalogSQL.Text("functions"), functions)
	if err != nil {
		return err
	}
	signatures, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(signatures) > 0 {
		if _, err := tx.Exec(ctx, "DROP FUNCTION "+strings.Join(signatures, ", ")); err != nil {
			return err
		}
	}
	return forget(ctx, tx, list...)
}

// upTriggers puts this binary's triggers on contacts, unless they are there already.
func (m *migrator) upTriggers(ctx context.Context) ([]string, error) {
	s, err := m.found.triggers()
	if err != nil {
		return nil, err
	}
	missing, astray, err := missingTriggers(ctx, m.work, m.found.table, s)
	if err != nil || len(missing)+len(astray) == 0 && m.found.applied(s) || m.mayNot(ctx, s) || m.staysDetached(ctx, detachedTriggers) {
		return nil, err
	}
	err = m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		if err := m.replaceTriggers(ctx, tx, s); err != nil {
			return err
		}
		// Without its triggers contacts queued contacts and did not ring: whoever
		// sleeps looks now and not at the next tick.
		_, err := tx.Exec(ctx, "SELECT pg_notify($1, '')", destination.Channel)
		return err
	})
	if err != nil {
		return nil, err
	}
	return []string{stepTriggers}, nil
}

func (m *migrator) replaceTriggers(ctx context.Context, tx pgx.Tx, s script) error {
	if _, err := tx.Exec(ctx, s.text, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	if err := forget(ctx, tx, detached(detachedTriggers)); err != nil {
		return err
	}
	return add(ctx, tx, record{Kind: s.kind, Name: textHash, Detail: s.hash()})
}

// mayNot keeps an older binary's text from a database that a newer one has been to.
func (m *migrator) mayNot(ctx context.Context, s script) bool {
	if m.found.newer() {
		m.log.WarnContext(ctx, "the database is newer than this version; what it has stays", "kind", s.kind)
	}
	return m.found.newer()
}

var (
	// createTrigger finds the triggers of a script: name and definition.
	createTrigger = regexp.MustCompile(`(?ms)^CREATE OR REPLACE TRIGGER (\w+)(.*?);`)
	// triggerColumn finds the columns in a trigger's definition.
	triggerColumn = regexp.MustCompile(`(?:NEW\.|OLD\.|UPDATE OF )("(?:[^"]|"")+"|\w+)`)
)

// missingTriggers lists the triggers of a script that are not on the table, or disabled,
// and those that are on another column than they should be: it was renamed.
func missingTriggers(ctx context.Context, db querier, t *table, s script) (missing, astray []string, err error) {
	type trigger struct {
		Name    string
		Columns []string
	}
	rows, err := db.Query(ctx, catalogSQL.Text("triggers"), t.OID)
	if err != nil {
		return nil, nil, fmt.Errorf("look for the triggers: %w", err)
	}
	enabled, err := pgx.CollectRows(rows, pgx.RowToStructByPos[trigger])
	if err != nil {
		return nil, nil, fmt.Errorf("look for the triggers: %w", err)
	}
	for _, match := range createTrigger.FindAllStringSubmatch(s.text, -1) {
		i := slices.IndexFunc(enabled, func(t trigger) bool { return t.Name == match[1] })
		switch {
		case i < 0:
			missing = append(missing, match[1])
		case !sameNames(enabled[i].Columns, columnsIn(match[2])):
			astray = append(astray, match[1])
		}
	}
	return missing, astray, nil
}

// columnsIn lists the columns that a trigger's definition names.
func columnsIn(definition string) (list []string) {
	for _, match := range triggerColumn.FindAllStringSubmatch(definition, -1) {
		name := match[1]
		if unquoted, ok := strings.CutPrefix(name, `"`); ok {
			name = strings.ReplaceAll(strings.TrimSuffix(unquoted, `"`), `""`, `"`)
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
