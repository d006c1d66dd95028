package schema

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// stepIDs is what brings contactsync's own tables to the type that ids have now.
const stepIDs = "ids"

// idColumn is the column contact_id of one of contactsync's own tables.
type idColumn struct{ Table, Type string }

// otherIDs lists those that are of another type than the table's ids: the app made a
// bigint of its int, say.
func (f found) otherIDs() []idColumn {
	if f.table == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.ids), func(c idColumn) bool { return c.Type == f.table.statement().ID })
}

// upIDs gives contactsync's own tables the type that the app's ids have. The functions
// for people return ids and cannot be replaced by ones that return others: they are
// dropped and made anew in the same moment, and with them the rights of the roles that
// Grant knows.
func (m *migrator) upIDs(ctx context.Context) ([]string, error) {
	other := m.found.otherIDs()
	if len(other) == 0 {
		return nil, nil
	}
	s, err := m.found.views()
	if err != nil || m.mayNot(ctx, s) {
		return nil, err
	}
	kind := m.found.table.statement().ID
	err = m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		if err := m.dropObjects(ctx, tx, slices.Concat(m.found.of(kindView), m.found.of(kindFunction))); err != nil {
			return err
		}
		for _, c := range other {
			if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN contact_id TYPE %s USING contact_id::text::%[2]s", c.Table, kind)); err != nil {
				return err
			}
		}
		if err := m.replaceViews(ctx, tx, s); err != nil {
			return err
		}
		return m.grantAll(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return []string{stepIDs}, nil
}
