package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const commits = "commits"

// forms are the states of the trigger and of the consumer that writers meet. Each
// names the one it is compared with.
var forms = []form{
	{name: "no trigger", set: noTriggerSQL},
	{name: "plain NOTIFY", set: noTriggerSQL + plainNotifySQL, against: "no trigger"},
	{name: "doorbell, consumer absent", against: "no trigger", aim: true},
	{name: "doorbell, consumer asleep and woken again and again", consumer: sleeper, against: "no trigger", aim: true},
	{name: "the same, with a transaction that stays open", consumer: sleeper, open: true, against: "no trigger", aim: true},
	{name: "no trigger, a replica at work", set: noTriggerSQL, consumer: worker},
	{name: "doorbell, a replica at work", consumer: worker, against: "no trigger, a replica at work", aim: true},
}

// form is what writers meet.
type form struct {
	name     string
	set      string // SQL that makes the triggers so; empty leaves them as they are
	consumer func(ctx context.Context, st *installation) (stop func() error, err error)
	open     bool // one more writer has queued a contact and does not commit
	against  string
	aim      bool // at 32 writers
}

var writing = measurement{
	Name: "writers", Title: "What queueing costs the writers", rounds: 10, lasts: "13 min",
	How: "Every writer sets single contacts to Queued, in autocommit, as fast as it can. The consumer that is woken again and again is a stand-in that does nothing but sleep on the doorbell: " +
		"it lies down 20 ms after every wake-up, so that the writers ring as often as they ever can. The replica at work drains beside them into a portal of 190 requests per 10 s and 250 ms each, with batches of 1000.",
	run: func(ctx context.Context, m *recorder) error {
		lasts := sized(m, 300*time.Millisecond, 3*time.Second)
		contacts := sized(m, 5_000, 60_000)
		var cases []oneCase
		for _, writers := range sized(m, []int{1, 8}, []int{1, 8, 32}) {
			for _, f := range forms {
				cases = append(cases, oneCase{named(f.name, writers), func(ctx context.Context, t *caseRound) error {
					return f.measure(ctx, t, writers, contacts, lasts)
				}})
				switch {
				case f.aim && writers == 32:
					m.wantRatio(commits, named(f.name, writers), named(f.against, writers), true, 0.85)
				case f.against != "":
					m.compare(commits, named(f.name, writers), named(f.against, writers))
				}
			}
		}
		err := m.rounds(ctx, cases)
		m.plotBars("Commits a second", commits)
		return err
	},
}

func named(form string, writers int) string { return fmt.Sprintf("%d writers, %s", writers, form) }

func (f form) measure(ctx context.Context, t *caseRound, writers, contacts int, lasts time.Duration) error {
	return t.within(ctx, portalOptions(), func(st *installation) error {
		if f.set != "" {
			if err := st.do(ctx, f.set, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		if err := st.fill(ctx, 1, contacts, ""); err != nil {
			return err
		}
		if err := st.settle(ctx); err != nil {
			return err
		}
		if f.consumer != nil {
			stop, err := f.consumer(ctx, st)
			if err != nil {
				return err
			}
			defer func() { _ = stop() }() // what it did was no part of the figure
		}
		if f.open {
			release, err := st.holdOpen(ctx)
			if err != nil {
				return err
			}
			defer release()
		}
		rate, took, err := st.write(ctx, writers, lasts, queueSQL)
		if err != nil {
			return err
		}
		t.record(commits, "1/s", rate)
		t.record("commit, median", "ms", quantile(milliseconds(took), 0.5))
		t.record("commit, 99th percentile", "ms", quantile(milliseconds(took), 0.99))
		return nil
	})
}

// write has writers run a statement on one contact after the other, no contact
// twice, until the time is over or the contacts are used up. It answers how many
// commits that were a second, and how long each took.
func (st *installation) write(ctx context.Context, writers int, lasts time.Duration, statement string) (perSecond float64, took []time.Duration, err error) {
	rows, err := st.app.Query(ctx, `SELECT id::text FROM contacts WHERE hubspot_processing_status IS NULL AND email <> $1 ORDER BY id`, openEmail)
	if err != nil {
		return 0, nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, nil, fmt.Errorf("read the ids: %w", err)
	}
	share := len(ids) / writers
	if share < 2 {
		return 0, nil, errors.New("there are too few contacts")
	}
	var mu sync.Mutex
	start := make(chan struct{})
	var ready sync.WaitGroup
	ready.Add(writers)
	var began time.Time
	group, ctx := errgroup.WithContext(ctx)
	for w := range writers {
		own := ids[w*share : (w+1)*share]
		group.Go(func() error {
			conn, err := pgx.Connect(ctx, st.url)
			if err == nil { // the first one prepares the statement
				_, err = conn.Exec(ctx, statement, own[0])
			}
			ready.Done()
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
			<-start
			var mine []time.Duration
			for _, id := range own[1:] {
				sent := time.Now()
				if sent.Sub(began) >= lasts {
					break
				}
				if _, err := conn.Exec(ctx, statement, id); err != nil {
					return err
				}
				mine = append(mine, time.Since(sent))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			return nil
		})
	}
	ready.Wait()
	began = time.Now()
	close(start)
	if err := group.Wait(); err != nil {
		return 0, nil, fmt.Errorf("write: %w", err)
	}
	return float64(len(took)) / time.Since(began).Seconds(), took, nil
}

// openEmail is that of the contact which holdOpen locks: the writers must leave it
// alone, or one would wait for it for ever.
const openEmail = "contact-1@example.org"

// holdOpen queues a contact in a transaction that stays open until released.
func (st *installation) holdOpen(ctx context.Context) (release func(), err error) {
	conn, err := pgx.Connect(ctx, st.url)
	if err != nil {
		return nil, err
	}
	release = func() { _ = conn.Close(context.WithoutCancel(ctx)) }
	_, err = conn.Exec(ctx, "BEGIN; UPDATE contacts SET hubspot_processing_status = 'Queued' "+
		"WHERE email = '"+openEmail+"'", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		release()
		return nil, fmt.Errorf("hold a transaction open: %w", err)
	}
	return release, nil
}
