package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/process"
)

var idle = measurement{
	Name: "idle", Title: "What it costs when nothing happens", rounds: 3, lasts: "15 min", needsProcesses: true,
	How: "A leader that sleeps, alone and with a follower beside it; the follower's queries are the difference. Queries as pg_stat_statements counts them, else transactions as pg_stat_database does. " +
		"Processor time and memory of the processes as the kernel counts them. Start: from the start of the process to its lead of a free slot.",
	run: func(ctx context.Context, m *recorder) error {
		lasts := sized(m, 5*time.Second, 2*time.Minute)
		starts := sized(m, 2, 10)
		const leader, follower, starting = "leader", "follower", "start"
		m.want(queriesMetric, leader, false, 30)
		m.want(memoryMetric, leader, false, 30)
		m.want("to the lead", starting, false, 200)
		if info, err := os.Stat(m.opt.Program); err == nil {
			m.record("binary", "size on disk", "MB", float64(info.Size())/1e6)
		}
		return m.rounds(ctx, []oneCase{
			{leader, func(ctx context.Context, c *caseRound) error {
				return c.within(ctx, hubspotsim.Options{}, func(st *installation) error {
					count := st.countQueries(ctx)
					if !count.statements {
						c.note("pg_stat_statements is not to be had here: transactions stand for queries.")
					}
					first, err := st.lead(ctx)
					if err != nil {
						return err
					}
					alone, err := st.idleFor(ctx, c, leader, first, count, lasts)
					if err != nil {
						return err
					}
					second, err := st.start()
					if err != nil {
						return err
					}
					if _, err := second.Wait(ctx, process.Waiting); err != nil {
						return err
					}
					both, err := st.idleFor(ctx, c, follower, second, count, lasts)
					if err == nil {
						err = count.keep(ctx, c)
					}
					c.recorder.record(leader, queriesMetric, "1/min", alone)
					c.recorder.record(follower, queriesMetric, "1/min", both-alone)
					return err
				})
			}},
			{starting, func(ctx context.Context, c *caseRound) error {
				for range starts {
					err := c.within(ctx, hubspotsim.Options{}, func(st *installation) error {
						began := time.Now()
						p, err := st.start()
						if err != nil {
							return err
						}
						led, err := p.Wait(ctx, process.Leading)
						c.record("to the lead", "ms", float64(led.Time().Sub(began))/float64(time.Millisecond))
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			}},
		})
	},
}

const queriesMetric, memoryMetric = "queries", "memory"

// idleFor lets some time pass, records what a process used of the machine and
// answers how many queries a minute the server saw meanwhile.
func (st *installation) idleFor(ctx context.Context, c *caseRound, name string, p *process.Process, count counter, lasts time.Duration) (perMinute float64, err error) {
	// What was just started comes to rest: the first heartbeats are heard.
	if err := pause(ctx, sized(c.recorder, 2*time.Second, 15*time.Second)); err != nil {
		return 0, err
	}
	before, err := count.read(ctx)
	if err != nil {
		return 0, err
	}
	used, began := usageOf(p.Pid()), time.Now()
	if err := pause(ctx, lasts); err != nil {
		return 0, err
	}
	now, took := usageOf(p.Pid()), time.Since(began)
	after, err := count.read(ctx)
	if err != nil {
		return 0, err
	}
	if now.known {
		c.recorder.record(name, "processor", "ms/min", float64((now.cpu-used.cpu).Microseconds())/1000/took.Minutes())
		c.recorder.record(name, memoryMetric, "MB", float64(now.memory)/1e6)
	} else {
		c.note("Processor and memory are read from /proc, which only Linux has.")
	}
	return float64(after-before) / took.Minutes(), nil
}

// counter counts the queries on one database.
type counter struct {
	conn       *pgx.Conn
	database   string
	sql        string
	statements bool // else transactions
}

// countQueries makes the counter of a installation whose replicas are yet to start: the
// server counts statements in sessions that begin from now on.
func (st *installation) countQueries(ctx context.Context) counter {
	_, err := st.app.Exec(ctx, "CREATE EXTENSION pg_stat_statements")
	if err == nil {
		_ = st.exec(ctx, "ALTER DATABASE "+st.name+" SET pg_stat_statements.track = 'top'") // it may be on already
		_, err = st.app.Exec(ctx, statementsSQL, st.name)
	}
	if err != nil { // asked from elsewhere, so that the question does not count
		return counter{conn: st.admin, database: st.name, sql: transactionsSQL}
	}
	return counter{conn: st.app, database: st.name, sql: statementsSQL, statements: true}
}

func (c counter) read(ctx context.Context) (n int64, err error) {
	if err := c.conn.QueryRow(ctx, c.sql, c.database).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the queries: %w", err)
	}
	return n, nil
}

// keep notes which statements it counted, the most frequent ones first.
func (c counter) keep(ctx context.Context, t *caseRound) error {
	if !c.statements || t.round > 0 {
		return nil
	}
	rows, err := c.conn.Query(ctx, statementsListSQL, c.database)
	if err != nil {
		return fmt.Errorf("list the queries: %w", err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the queries: %w", err)
	}
	t.keepDetail("statements since the start, leader and follower", strings.Join(lines, "\n"))
	return nil
}
