package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/process"
)

var replicas = measurement{
	Name: "replicas", Title: "Several replicas at work", rounds: 3, lasts: "7 min",
	How: "HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES replicas lead a slot each and share one queue. Without limits: contacts queued in one commit, batches of 100, all on this machine. " +
		"At the ceiling: the portal of the measurement before, of which each has its share.",
	run: func(ctx context.Context, m *recorder) error {
		contacts := sized(m, 1000, 50_000)
		lasts, warm := sized(m, 3*time.Second, 30*time.Second), sized(m, time.Second, portalWindow)
		var cases []oneCase
		free := func(n int) string { return fmt.Sprintf("%d, no limits", n) }
		for _, n := range []int{1, 2, 4} {
			cases = append(cases, oneCase{free(n), func(ctx context.Context, t *caseRound) error {
				return t.within(ctx, hubspotsim.Options{}, func(st *installation) error {
					if err := st.leaders(ctx, n, 100, "LOG_LEVEL=info"); err != nil {
						return err
					}
					rate, err := st.drain(ctx, contacts)
					t.record(contactsRate, "1/s", rate)
					return err
				})
			}})
			if n > 1 {
				m.compare(contactsRate, free(n), free(1))
			}
		}
		for _, n := range []int{1, 2, 4} {
			cases = append(cases, oneCase{fmt.Sprintf("%d, at HubSpot's ceiling", n), func(ctx context.Context, t *caseRound) error {
				return atCeiling(ctx, t, n, 1000, warm, lasts, 0)
			}})
		}
		err := m.rounds(ctx, cases)
		m.plotBars("Contacts a second of several replicas", contactsRate)
		return err
	},
}

// leaders starts replicas that each lead a slot, and waits until they do and the
// queue is at rest.
func (st *installation) leaders(ctx context.Context, n, batch int, env ...string) error {
	env = append([]string{
		"HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES=" + strconv.Itoa(n), "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=" + strconv.Itoa(batch),
	}, env...)
	for range n {
		if _, err := st.start(env...); err != nil {
			return err
		}
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, p := range st.replicas {
		if _, err := p.Wait(waiting, process.Leading); err != nil {
			return err
		}
	}
	return st.asleep(ctx)
}
