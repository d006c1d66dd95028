package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/queue"
)

var growth = measurement{
	Name: "growth", Title: "A table that grows", rounds: 5, lasts: "3 min",
	How: "Cycles of 100 contacts on tables of different sizes, all beside each other on one server: the queue's own claim, settle and last look before sleep, without a request between. " +
		"Where the table does not hold queued contacts anyway, an app queues 100 at random before each cycle.",
	run: func(ctx context.Context, m *recorder) error {
		cycles := sized(m, 5, 60)
		var cases []oneCase
		for i, t := range tables(m) {
			st, err := m.open(ctx, hubspotsim.Options{})
			if err != nil {
				return err
			}
			defer st.close(ctx)
			resting, err := t.fill(ctx, st, m)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			cases = append(cases, oneCase{t.name, func(ctx context.Context, c *caseRound) error {
				return t.measure(ctx, c, st, resting, cycles)
			}})
			if i > 0 {
				for _, metric := range growthMetrics {
					m.wantRatio(metric, t.name, tables(m)[0].name, false, 1.5)
				}
			}
		}
		err := m.rounds(ctx, cases)
		m.plotBars("Claim and settle of 100 contacts, by table", cycleTime)
		return err
	},
}

const (
	cycleSize = 100 // contacts
	cycleTime = "claim and settle"
)

// growthMetrics are medians of a round's cycles.
var growthMetrics = [3]string{"claim", "settle", "last look"}

// table is the contents of a table to measure on.
type table struct {
	name     string
	contacts int
	status   string // of half of them or more; '' for contacts at rest
}

// tables are those to compare; the first one is the smallest.
func tables(m *recorder) []table {
	small, large, huge := sized(m, 2_000, 10_000), sized(m, 20_000, 1_000_000), sized(m, 40_000, 10_000_000)
	return []table{
		{people(small) + " contacts", small, ""},
		{people(large) + " contacts", large, ""},
		{people(large) + " queued", large, "Queued"},
		{people(large) + " in back-off", large, "Back-off"},
		{people(large) + " in Error", large, "Error"},
		{people(huge) + " contacts", huge, ""},
	}
}

func people(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%d M", n/1_000_000)
	}
	return fmt.Sprintf("%d k", n/1000)
}

// mostResting is how many contacts an app queues from.
const mostResting = 10_000

// fill fills the table, a piece at a time, and answers the ids of contacts at rest
// that an app can queue; none where enough are queued already.
func (t table) fill(ctx context.Context, st *installation, m *recorder) (resting []string, err error) {
	const piece = 500_000
	for done := 0; done < t.contacts; done += piece {
		if err := st.fill(ctx, 1+done, min(piece, t.contacts-done), t.status); err != nil {
			return nil, err
		}
		if t.contacts > piece {
			m.say("%s: %d filled in", t.name, min(done+piece, t.contacts))
		}
	}
	if t.status != "" && t.status != "Queued" {
		if err := st.fill(ctx, t.contacts+1, min(mostResting, t.contacts), ""); err != nil {
			return nil, err
		}
	}
	if err := st.settle(ctx); err != nil {
		return nil, err
	}
	share := 100.0 // per cent
	if t.status == "" {
		share = min(share, share*mostResting/float64(t.contacts))
	}
	rows, err := st.app.Query(ctx, restingSQL, share)
	if err != nil {
		return nil, fmt.Errorf("look for contacts at rest: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// measure runs cycles and records the median of each step.
func (t table) measure(ctx context.Context, c *caseRound, st *installation, resting []string, cycles int) error {
	q, conn, err := openQueue(ctx, st.url)
	if err != nil {
		return err
	}
	defer database.Close(ctx, conn)
	next := 0
	queueSome := func() error {
		if len(resting) < cycleSize {
			return nil // the table is full of them
		}
		if next+cycleSize > len(resting) {
			next = 0
		}
		next += cycleSize
		return st.do(ctx, queueSomeSQL, resting[next-cycleSize:next])
	}
	var claims, settles, looks, both []float64
	for range cycles {
		if err := queueSome(); err != nil {
			return fmt.Errorf("queue some: %w", err)
		}
		claim, settle, err := oneCycle(ctx, q)
		if err != nil {
			return err
		}
		began := time.Now()
		if _, err := q.ArmDoorbell(ctx); err != nil {
			return err
		}
		looks = append(looks, sinceMS(began))
		claims, settles, both = append(claims, claim), append(settles, settle), append(both, claim+settle)
	}
	c.record(cycleTime, "ms", quantile(both, 0.5))
	for i, all := range [][]float64{claims, settles, looks} {
		c.record(growthMetrics[i], "ms", quantile(all, 0.5))
	}
	if c.round > 0 {
		return nil
	}
	if err := queueSome(); err != nil {
		return fmt.Errorf("queue some: %w", err)
	}
	c.keepPlan(ctx, st)
	return nil
}

// oneCycle claims and settles a hundred contacts, and answers how many
// milliseconds each took.
func oneCycle(ctx context.Context, q *queue.Queue) (claim, settle float64, err error) {
	began := time.Now()
	batch, err := q.Claim(ctx, contact.InOrder(cycleSize))
	if err != nil {
		return 0, 0, err
	}
	claim = sinceMS(began)
	if len(batch.Contacts) < cycleSize {
		return 0, 0, fmt.Errorf("claimed %d contacts, want %d", len(batch.Contacts), cycleSize)
	}
	answered := allSynced(batch)
	began = time.Now()
	_, _, err = q.Settle(ctx, answered)
	return claim, sinceMS(began), err
}

func sinceMS(began time.Time) float64 { return float64(time.Since(began)) / float64(time.Millisecond) }

// keepPlan notes how the server carried out the statements of a cycle, as it says
// itself by auto_explain.
func (t *caseRound) keepPlan(ctx context.Context, st *installation) {
	plan, err := explainCycle(ctx, st.url)
	if err != nil {
		t.note("No plans were kept: %v.", err)
		return
	}
	t.keepDetail("plans, "+t.name, plan)
}

func explainCycle(ctx context.Context, url string) (string, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return "", err
	}
	var plan strings.Builder
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if strings.Contains(n.Message, "plan:") {
			plan.WriteString(n.Message + "\n\n")
		}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return "", err
	}
	defer database.Close(ctx, conn)
	if _, err := conn.Exec(ctx, explainSQL, pgx.QueryExecModeSimpleProtocol); err != nil {
		return "", err
	}
	q, err := enterQueue(ctx, conn)
	if err != nil {
		return "", err
	}
	batch, err := q.Claim(ctx, contact.InOrder(cycleSize))
	if err != nil {
		return "", err
	}
	if len(batch.Contacts) > 0 {
		if _, _, err = q.Settle(ctx, allSynced(batch)); err != nil {
			return "", err
		}
	}
	if _, err := q.ArmDoorbell(ctx); err != nil {
		return "", err
	}
	return plan.String(), nil
}
