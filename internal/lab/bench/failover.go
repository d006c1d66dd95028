package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/process"
)

var failover = measurement{
	Name: "failover", Title: "When the leader dies or stops", rounds: 1, lasts: "5 min", needsProcesses: true,
	How: "A leader at rest and a follower, real processes. The leader is killed (SIGKILL) or asked to stop (SIGTERM), and a contact is queued in the same moment: " +
		"the time until the other one leads, until it has claimed the contact, and until the request is at HubSpot. River's leader looks after its maintenance and its scheduled jobs; " +
		"its other clients go on working without one.",
	run: func(ctx context.Context, m *recorder) error {
		times := sized(m, 2, 50)
		var cases []oneCase
		for _, way := range []struct {
			name string
			end  func(ctx context.Context, p *process.Process) error
		}{
			{"SIGKILL", func(ctx context.Context, p *process.Process) error { return p.Kill(ctx) }},
			{"SIGTERM", func(_ context.Context, p *process.Process) error { return p.Terminate() }},
		} {
			cases = append(cases, oneCase{way.name, func(ctx context.Context, c *caseRound) error {
				return c.within(ctx, hubspotsim.Options{}, func(st *installation) error { return takeOvers(ctx, c, st, times, way.end) })
			}})
			m.want(claimsAfter+", 99th percentile", way.name, false, 100)
		}
		cases = append(cases, m.peer("River's leader, SIGKILL", func(c *caseRound, answer peerAnswer) {
			c.times(leadsAfter, answer.times())
		}, "river-failover", "--times", strconv.Itoa(sized(m, 1, 10)))...)
		err := m.rounds(ctx, cases)
		m.plotDistribution("From the end of the leader to the next one's claim (River: to its lead), share of the times")
		return err
	},
}

const leadsAfter, claimsAfter = "the next one leads", "and claims"

// takeOvers ends the leader again and again.
func takeOvers(ctx context.Context, c *caseRound, st *installation, times int, end func(context.Context, *process.Process) error) error {
	arrivals := make(chan time.Time, times)
	defer st.sim.OnArrival(func(r hubspotsim.Request) {
		if r.Method == "POST" {
			arrivals <- r.Time
		}
	})()
	leader, err := st.lead(ctx)
	if err != nil {
		return err
	}
	var leads, claims, requests []time.Duration
	taken := 0 // contacts that the leader which was asked to stop still synced
	for i := range times {
		follower, err := st.start()
		if err != nil {
			return err
		}
		waiting, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if _, err := follower.Wait(waiting, process.Waiting); err != nil {
			return err
		}
		if err := st.asleep(ctx); err != nil {
			return err
		}
		before := len(leader.Saw(process.Claimed))
		ended := time.Now()
		if err := end(ctx, leader); err != nil {
			return err
		}
		if err := st.fill(ctx, i+1, 1, "Queued"); err != nil {
			return err
		}
		led, err := follower.Wait(waiting, process.Leading)
		if err != nil {
			return err
		}
		leads = append(leads, led.Time().Sub(ended))
		if err := leader.End(waiting); err != nil {
			return err
		}
		var at time.Time
		select {
		case at = <-arrivals:
		case <-waiting.Done():
			return fmt.Errorf("the contact did not arrive: %w", context.Cause(waiting))
		}
		// The signal and the doorbell race: both reach the leader in the same moment.
		if len(leader.Saw(process.Claimed)) > before {
			taken++
		} else {
			claimed, err := follower.Wait(waiting, process.Claimed)
			if err != nil {
				return err
			}
			claims, requests = append(claims, claimed.Time().Sub(ended)), append(requests, at.Sub(ended))
		}
		leader = follower
		if (i+1)%10 == 0 {
			c.say("%s: %d of %d", c.name, i+1, times)
		}
	}
	if taken > 0 {
		c.note("%s, round %d: %d of %d contacts were still synced by the leader that was asked to stop; they are not counted.", c.name, c.round+1, taken, times)
	}
	c.times(leadsAfter, leads)
	c.samples[c.name] = nil // the plot has the claims
	c.times(claimsAfter, claims)
	for _, q := range []struct {
		name string
		q    float64
	}{{"median", 0.5}, {"99th percentile", 0.99}} {
		c.record("and its request is at HubSpot, "+q.name, "ms", quantile(milliseconds(requests), q.q))
	}
	return nil
}
