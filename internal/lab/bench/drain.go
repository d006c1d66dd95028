package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/process"
	"github.com/scrapersky/contactsync/internal/queue"
	"github.com/scrapersky/contactsync/internal/statement"
)

const contactsRate = "contacts"

var drained = measurement{
	Name: "drain", Title: "Draining a queue", rounds: 5, lasts: "5 min",
	How: "Contacts queued in one commit; HubSpot answers at once and has no limit. From the first claim to the last settle, by the database's clock. " +
		"The bare loop is the queue's own claim and settle without the request between. River works off one job a contact: with 100 workers that send a request and mark the row, with 1,000 that do nothing.",
	run: func(ctx context.Context, m *recorder) error {
		contacts := sized(m, 1000, 100_000)
		var cases []oneCase
		for _, batch := range []int{10, 100, 1000} {
			ours, bare := fmt.Sprintf("contactsync, batches of %d", batch), fmt.Sprintf("bare loop, batches of %d", batch)
			cases = append(cases,
				oneCase{ours, func(ctx context.Context, c *caseRound) error { return drainWith(ctx, c, contacts, batch, "warn") }},
				oneCase{bare, func(ctx context.Context, c *caseRound) error { return bareLoop(ctx, c, contacts, batch) }})
			m.compare(contactsRate, ours, bare)
		}
		m.wantRatio(contactsRate, "contactsync, batches of 1000", "bare loop, batches of 1000", true, 0.4)
		const chatty = "contactsync, batches of 100, LOG_LEVEL=info"
		cases = append(cases, oneCase{chatty, func(ctx context.Context, c *caseRound) error { return drainWith(ctx, c, contacts, 100, "info") }})
		m.compare(contactsRate, chatty, "contactsync, batches of 100")

		jobs := strconv.Itoa(sized(m, 200, 20_000))
		rate := func(c *caseRound, answer peerAnswer) { c.record(contactsRate, "1/s", answer.PerSecond) }
		cases = append(cases, m.peer("River, one request a job", rate, "river-drain", "--jobs", jobs, "--workers", "100", "--http")...)
		cases = append(cases, m.peer("River, jobs that do nothing", rate, "river-drain", "--jobs", jobs)...)
		if m.opt.Peers != "" {
			m.wantRatio(contactsRate, "River, one request a job", "contactsync, batches of 100", false, 0.2)
			m.wantRatio(contactsRate, "River, jobs that do nothing", "contactsync, batches of 100", false, 1)
		}
		err := m.rounds(ctx, cases)
		m.plotBars("Contacts a second", contactsRate)
		return err
	},
}

// drainWith has one replica drain a queue.
func drainWith(ctx context.Context, c *caseRound, contacts, batch int, level string) error {
	return c.within(ctx, hubspotsim.Options{}, func(st *installation) error {
		log, err := os.CreateTemp("", "contactsync-bench-log-")
		if err != nil {
			return err
		}
		defer func() {
			_ = log.Close()
			_ = os.Remove(log.Name())
		}()
		p, err := process.Start(process.Options{Program: st.opt.Program, Within: st.opt.Within, LogFile: log, Env: st.env(
			"LOG_LEVEL="+level, "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE="+strconv.Itoa(batch))})
		if err != nil {
			return err
		}
		st.replicas = append(st.replicas, p)
		if err := st.asleep(ctx); err != nil {
			return err
		}
		rate, err := st.drain(ctx, contacts)
		c.record(contactsRate, "1/s", rate)
		return err
	})
}

// drain queues contacts, waits until they are in HubSpot and answers how many that
// were a second.
func (st *installation) drain(ctx context.Context, contacts int) (perSecond float64, err error) {
	if err := st.fill(ctx, 1, contacts, "Queued"); err != nil {
		return 0, err
	}
	if err := st.awaitSynced(ctx, contacts); err != nil {
		return 0, err
	}
	var seconds, synced float64
	if err := st.app.QueryRow(ctx, paceSQL).Scan(&seconds, &synced); err != nil {
		return 0, fmt.Errorf("read the pace: %w", err)
	}
	return synced / seconds, nil
}

// awaitSynced waits until so many contacts were synced, as long as some are.
func (st *installation) awaitSynced(ctx context.Context, contacts int) error {
	last, moved := -1, time.Now()
	for {
		var done bool
		if err := st.app.QueryRow(ctx, drainedSQL, contacts).Scan(&done); err != nil {
			return fmt.Errorf("ask whether the queue is drained: %w", err)
		}
		if done {
			return nil
		}
		if writes := st.sim.Stats().Writes; writes != last {
			last, moved = writes, time.Now()
		}
		if time.Since(moved) > patience {
			return fmt.Errorf("nothing has arrived for %s; %d of %d contacts have", patience, last, contacts)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// bareLoop claims and settles without a request between.
func bareLoop(ctx context.Context, c *caseRound, contacts, batch int) error {
	return c.within(ctx, hubspotsim.Options{}, func(st *installation) error {
		if err := st.fill(ctx, 1, contacts, "Queued"); err != nil {
			return err
		}
		q, conn, err := openQueue(ctx, st.url)
		if err != nil {
			return err
		}
		defer database.Close(ctx, conn)
		began := time.Now()
		for left := contacts; left > 0; {
			taken, err := q.Claim(ctx, contact.InOrder(batch))
			if err != nil {
				return err
			}
			if len(taken.Contacts) == 0 {
				return fmt.Errorf("the queue is empty with %d contacts left", left)
			}
			if _, _, err := q.Settle(ctx, allSynced(taken)); err != nil {
				return err
			}
			left -= len(taken.Contacts)
		}
		c.record(contactsRate, "1/s", float64(contacts)/time.Since(began).Seconds())
		return nil
	})
}

// unguarded is a connection as the queue wants it, without the slot around it.
type unguarded struct{ conn *pgx.Conn }

func (u unguarded) Do(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	return fn(ctx, u.conn)
}

// openQueue opens the queue as a leader does.
func openQueue(ctx context.Context, url string) (*queue.Queue, *pgx.Conn, error) {
	conn, err := database.Connect(ctx, url, "bench")
	if err != nil {
		return nil, nil, err
	}
	q, err := enterQueue(ctx, conn)
	if err != nil {
		database.Close(ctx, conn)
		return nil, nil, err
	}
	return q, conn, nil
}

func enterQueue(ctx context.Context, conn *pgx.Conn) (*queue.Queue, error) {
	q := queue.New(unguarded{conn}, queue.Options{
		Target: statement.For(statement.Contacts(), hubspot.Info, hubspot.Info), Instance: "bench", Slots: 1,
		MaxRetries: 3, RetryDelay: 5 * time.Minute, Exponential: true, Timeout: 30 * time.Second, Doubt: 5 * time.Minute,
	})
	return q, q.Enter(ctx)
}

// allSynced is HubSpot's answer that all is well.
func allSynced(batch contact.Batch) contact.Answered {
	answered := contact.Answered{Batch: batch, Report: contact.Report{Requests: 1}}
	for i := range batch.Contacts {
		answered.Outcomes = append(answered.Outcomes, contact.Outcome{
			Verdict: contact.Synced, RemoteID: strconv.Itoa(1_000_000 + i), Created: true, HTTPStatus: 200,
		})
	}
	return answered
}
