package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

var unrelated = measurement{
	Name: "unrelated", Title: "Updates that have nothing to do with the queue", rounds: 10, lasts: "2 min",
	How: "Eight writers change the name and updated_at of single contacts that are not queued, in autocommit, as fast as they can: with contactsync's triggers and indexes on the table, " +
		"with its indexes alone, and with neither; nobody consumes. Heap-only are the updates that write into no index.",
	run: func(ctx context.Context, m *recorder) error {
		const without, with, bare = "its indexes alone", "contactsync's triggers and indexes", "neither"
		const writers = 8
		lasts, contacts := sized(m, 500*time.Millisecond, 3*time.Second), sized(m, 10_000, 60_000)
		one := func(name, set string) oneCase {
			return oneCase{name, func(ctx context.Context, t *caseRound) error {
				return t.within(ctx, hubspotsim.Options{}, func(st *installation) error {
					if set != "" {
						if err := st.do(ctx, set, pgx.QueryExecModeSimpleProtocol); err != nil {
							return err
						}
					}
					if err := st.fill(ctx, 1, contacts, ""); err != nil {
						return err
					}
					if err := st.settle(ctx); err != nil {
						return err
					}
					rate, took, err := st.write(ctx, writers, lasts, renameSQL)
					t.record(commits, "1/s", rate)
					t.record("commit, median", "ms", quantile(milliseconds(took), 0.5))
					t.record("commit, 99th percentile", "ms", quantile(milliseconds(took), 0.99))
					if err != nil {
						return err
					}
					var share float64
					if err := st.app.QueryRow(ctx, heapOnlySQL).Scan(&share); err != nil {
						return fmt.Errorf("ask how many updates were heap-only: %w", err)
					}
					t.record("heap-only", "%", share)
					return nil
				})
			}}
		}
		m.wantRatio(commits, with, without, true, 0.97)
		m.compare(commits, without, bare)
		err := m.rounds(ctx, []oneCase{one(without, noTriggerSQL), one(bare, noTriggerSQL+noIndexSQL), one(with, "")})
		m.plotBars("Commits a second", commits)
		return err
	},
}
