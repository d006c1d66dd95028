package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

var latency = measurement{
	Name: "latency", Title: "Commit to request at HubSpot", rounds: 5, lasts: "6 min",
	How: "Single updates in autocommit, each while the leader sleeps, or each as soon as the one before has arrived; the time from the answer to the UPDATE (and from the moment before it was sent) " +
		"to the arrival of the request at the simulator. The peers on the same server: from the answer to the insert to the moment their worker begins, before it asks HubSpot; " +
		"for River between the jobs a pause of 150 to 350 ms, or none.",
	run: func(ctx context.Context, m *recorder) error {
		const ours, sent, acknowledged = "contactsync", "UPDATE sent → request", "commit → request"
		const oursRow, river, riverRow = "contactsync, one after the other", "River, as it is by default", "River, one after the other"
		updates := sized(m, 10, 200)
		one := func(name string, asleep bool) oneCase {
			return oneCase{name, func(ctx context.Context, c *caseRound) error {
				return c.within(ctx, hubspotsim.Options{}, func(st *installation) error {
					fromSent, fromCommit, err := singleUpdates(ctx, st, updates, asleep)
					c.times(acknowledged, fromCommit)
					c.times(sent, fromSent)
					return err
				})
			}}
		}
		cases := []oneCase{one(ours, true), one(oursRow, false)}
		m.want(acknowledged+", median", ours, false, 2)
		m.want(acknowledged+", 99th percentile", ours, false, 8)
		for _, p := range []struct {
			name string
			n    int
			args []string
		}{
			{river, sized(m, 5, 60), []string{"river-latency"}},
			{riverRow, sized(m, 5, 60), []string{"river-latency", "--at-once"}},
			{"River, asked to fetch every millisecond", sized(m, 5, 60), []string{"river-latency", "--cooldown", "1ms"}},
			{"a poller, every second", sized(m, 2, 20), []string{"poll-latency"}},
		} {
			cases = append(cases, m.peer(p.name, func(c *caseRound, answer peerAnswer) {
				c.times(acknowledged, answer.times())
			}, append(p.args, "--updates", strconv.Itoa(p.n))...)...)
		}
		if m.opt.Peers != "" {
			m.wantRatio(acknowledged+", median", river, ours, true, 10)
			m.wantRatio(acknowledged+", median", riverRow, oursRow, true, 10)
			m.compare(acknowledged+", median", "River, asked to fetch every millisecond", ours)
			m.compare(acknowledged+", median", "a poller, every second", ours)
		}
		err := m.rounds(ctx, cases)
		m.plotDistribution("Commit to request, share of the updates")
		return err
	},
}

// singleUpdates queues contacts one at a time, each when the one before has arrived,
// and while the leader sleeps if it is to be asleep.
func singleUpdates(ctx context.Context, st *installation, n int, asleep bool) (fromSent, fromCommit []time.Duration, err error) {
	if err := st.fill(ctx, 1, n, ""); err != nil {
		return nil, nil, err
	}
	arrivals := make(chan hubspotsim.Request, n)
	defer st.sim.OnRequest(func(r hubspotsim.Request) {
		if len(r.Inputs) > 0 {
			arrivals <- r
		}
	})()
	if _, err := st.lead(ctx); err != nil {
		return nil, nil, err
	}
	for i := 1; i <= n; i++ {
		if asleep {
			if err := st.asleep(ctx); err != nil {
				return fromSent, fromCommit, err
			}
		}
		email := fmt.Sprintf("contact-%d@example.org", i)
		began := time.Now()
		if err := st.do(ctx, `UPDATE contacts SET hubspot_processing_status = 'Queued', updated_at = now() WHERE email = $1`, email); err != nil {
			return fromSent, fromCommit, fmt.Errorf("queue a contact: %w", err)
		}
		committed := time.Now()
		select {
		case r := <-arrivals:
			if r.Inputs[0].ID != email {
				return fromSent, fromCommit, fmt.Errorf("%s arrived, want %s", r.Inputs[0].ID, email)
			}
			fromSent = append(fromSent, r.Time.Sub(began))
			fromCommit = append(fromCommit, r.Time.Sub(committed))
		case <-time.After(patience):
			return fromSent, fromCommit, fmt.Errorf("%s did not arrive within %s", email, patience)
		case <-ctx.Done():
			return fromSent, fromCommit, context.Cause(ctx)
		}
	}
	return fromSent, fromCommit, nil
}
