package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// build makes an index on a table, or on all that it is divided into, without
// keeping writers out. What an interrupted run left is used or cleared away.
func (m *migrator) build(ctx context.Context, table relation, ix Index) error {
	ident := pgx.Identifier{table.Schema, ix.Name}.Sanitize()
	state, err := m.findIndex(ctx, table, ix)
	if err != nil || state == indexValid {
		return err
	}
	// An unfinished one of a partitioned table is finished.
	if state == indexAstray || state == indexInvalid && table.Kind != "p" {
		m.log.InfoContext(ctx, "clearing away an index that is unfinished or on a renamed column", "index", ident)
		if err := m.dropIndex(ctx, ident, table.Kind == "p"); err != nil {
			return err
		}
		state = indexMissing
	}
	if table.Kind == "p" {
		return m.buildPartitioned(ctx, table, ix, ident, state != indexMissing)
	}
	return m.concurrently(ctx, fmt.Sprintf("CREATE INDEX CONCURRENTLY %s ON %s %s",
		pgx.Identifier{ix.Name}.Sanitize(), table.Ident, ix.On))
}

// buildPartitioned declares the index, builds that of each partition, and
// attaches them; with the last one the index is valid. Partitions that are
// created from the declaration on get theirs by themselves.
func (m *migrator) buildPartitioned(ctx context.Context, table relation, ix Index, ident string, declared bool) error {
	if !declared {
		err := m.withLockTimeout(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, fmt.Sprintf("CREATE INDEX %s ON ONLY %s %s",
				pgx.Identifier{ix.Name}.Sanitize(), table.Ident, ix.On))
			return err
		})
		if err != nil {
			return err
		}
	}
	rows, err := m.work.Query(ctx, catalogSQL.Text("partitions"), table.OID)
	if err != nil {
		return err
	}
	parts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[relation])
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := m.buildPart(ctx, part, ix, ident); err != nil {
			return fmt.Errorf("partition %s: %w", part.Ident, err)
		}
	}
	return nil
}

func (m *migrator) buildPart(ctx context.Context, part relation, ix Index, parent string) error {
	if part.Kind == "f" {
		m.log.WarnContext(ctx, "a foreign partition has no index; claims will be slow", "partition", part.Ident)
		return nil
	}
	var attached bool
	if err := m.work.QueryRow(ctx, catalogSQL.Text("index_attached"), parent, part.OID).Scan(&attached); err != nil || attached {
		return err
	}
	// The oid keeps names apart that are alike in their first 40 characters.
	name := fmt.Sprintf("%s_%d", strings.TrimPrefix(ix.Name, "contacts_"), part.OID)
	if err := m.build(ctx, part, Index{name, ix.On, ix.columns}); err != nil {
		return err
	}
	return m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf("ALTER INDEX %s ATTACH PARTITION %s",
			parent, pgx.Identifier{part.Schema, name}.Sanitize()))
		return err
	})
}

// indexState is how an index of ours stands.
type indexState int

const (
	indexMissing indexState = iota
	indexInvalid            // an interrupted run left it
	indexAstray             // it is on other columns: one was renamed
	indexValid
)

func (m *migrator) findIndex(ctx context.Context, table relation, ix Index) (indexState, error) {
	var valid bool
	var on []string
	err := m.work.QueryRow(ctx, catalogSQL.Text("index_state"), table.OID, ix.Name).Scan(&valid, &on)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return indexMissing, nil
	case err != nil:
		return indexMissing, fmt.Errorf("look for index %s: %w", ix.Name, err)
	case !sameNames(on, ix.columns):
		return indexAstray, nil
	case !valid:
		return indexInvalid, nil
	}
	return indexValid, nil
}

// sameNames compares without regard to the order.
func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// dropIndex takes the quoted name of an index. That of a partitioned table cannot be
// dropped concurrently.
func (m *migrator) dropIndex(ctx context.Context, ident string, partitioned bool) error {
	if !partitioned {
		return m.concurrently(ctx, "DROP INDEX CONCURRENTLY "+ident)
	}
	return m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DROP INDEX "+ident)
		return err
	})
}

// concurrently runs a CONCURRENTLY statement. It has no lock_timeout: its waits
// keep no writer out, and cutting them would leave an INVALID index. It may wait
// for as long as the oldest transaction lasts, so it says whose that is.
func (m *migrator) concurrently(ctx context.Context, statement string) error {
	watching, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { m.watch(watching, m.work.PgConn().PID()) })
	_, err := m.work.Exec(ctx, statement)
	stop()
	watcher.Wait()
	return err
}

// watch asks on a connection of its own. The one that holds the lock will not do:
// its transaction stays open, and a build that looks for old snapshots while a
// question is being asked there would wait for the end of that transaction, which
// waits for the build's.
func (m *migrator) watch(ctx context.Context, pid uint32) {
	tick := time.NewTicker(m.how.watch)
	defer tick.Stop()
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx)) // it was only asked
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if conn == nil || conn.IsClosed() {
				var err error
				if conn, err = connect(ctx, m.config); err != nil {
					m.log.DebugContext(ctx, "cannot tell who is in the way", "error", err)
					continue
				}
			}
			for _, s := range m.sessions(ctx, conn, sessionsSQL.Text("blocking"), pid) {
				m.log.InfoContext(ctx, "the index build waits for another session's transaction", "session", s.String())
			}
		}
	}
}
