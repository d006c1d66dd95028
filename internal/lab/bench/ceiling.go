package bench

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// The limits of a portal of HubSpot's larger tiers, and what a request takes
// there.
const (
	portalRate    = 190 // requests in any 10 s
	portalWindow  = 10 * time.Second
	portalLatency = 250 * time.Millisecond
	upsertMost    = 100 // contacts a request
)

var ceiling = measurement{
	Name: "ceiling", Title: "At HubSpot's ceiling", rounds: 3, lasts: "12 min",
	How: "A portal that lets 190 requests through in any 10 s and takes 250 ms for each: 1,900 contacts/s at most. A queue that does not run dry; counted are the " +
		"contacts that HubSpot took, after a window of 10 s to get there. The other client sends a request every 200 ms with the same key.",
	run: func(ctx context.Context, m *recorder) error {
		const whole, shared = "batches of 1000, alone", "batches of 1000, another client on the portal"
		lasts := sized(m, 4*time.Second, time.Minute)
		warm := sized(m, time.Second, portalWindow)
		var cases []oneCase
		for _, c := range []struct {
			name  string
			batch int
			other time.Duration
		}{{whole, 1000, 0}, {"batches of 100, alone", 100, 0}, {shared, 1000, 200 * time.Millisecond}} {
			cases = append(cases, oneCase{c.name, func(ctx context.Context, t *caseRound) error {
				return atCeiling(ctx, t, 1, c.batch, warm, lasts, c.other)
			}})
		}
		most := float64(portalRate*upsertMost) / portalWindow.Seconds()
		m.want(contactsRate, whole, true, 0.98*most)
		m.want(refusals, whole, false, 0)
		err := m.rounds(ctx, cases)
		m.plotBars("Contacts a second where 1,900 is the most", contactsRate)
		return err
	},
}

const refusals = "429s"

// atCeiling has replicas drain a queue that does not run dry into a portal that
// limits them, beside another client where other is not zero.
func atCeiling(ctx context.Context, t *caseRound, replicas, batch int, warm, lasts, other time.Duration) error {
	portal := hubspotsim.Options{RatePer10s: portalRate, Latency: portalLatency}
	return t.within(ctx, portal, func(st *installation) error {
		var count tally
		defer st.sim.OnRequest(count.note)()
		if err := st.leaders(ctx, replicas, batch, fmt.Sprintf("HUBSPOT_RATE_LIMIT_PER_10S=%d", portalRate)); err != nil {
			return err
		}
		enough := int((warm + lasts + portalWindow).Seconds() * portalRate * upsertMost / portalWindow.Seconds())
		if err := st.fill(ctx, 1, enough, "Queued"); err != nil {
			return err
		}
		disturbing, calm := context.WithCancel(ctx)
		var client sync.WaitGroup
		defer client.Wait()
		defer calm()
		if other > 0 {
			client.Go(func() { disturb(disturbing, st.api, other) })
		}
		if err := pause(ctx, warm); err != nil {
			return err
		}
		count.reset()
		began := time.Now()
		if err := pause(ctx, lasts); err != nil {
			return err
		}
		took := time.Since(began).Seconds()
		n := count.read()
		t.record(contactsRate, "1/s", float64(n.contacts)/took)
		t.record(refusals, "", float64(n.refused))
		if other > 0 {
			t.record("the other client's requests", "1/s", float64(n.others)/took)
			t.record("the other client's 429s", "", float64(n.othersRefused))
		}
		return nil
	})
}

// tally counts what a portal saw.
type tally struct {
	mu sync.Mutex
	counts
}

type counts struct{ contacts, refused, others, othersRefused int }

const otherEmail = "another-client@example.org"

func (c *tally) note(r hubspotsim.Request) {
	if !strings.HasSuffix(r.Path, "/upsert") {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	refused := r.Status == http.StatusTooManyRequests
	switch foreign := len(r.Inputs) == 1 && r.Inputs[0].ID == otherEmail; {
	case foreign && refused:
		c.othersRefused++
	case foreign:
		c.others++
	case refused:
		c.refused++
	case r.Applied:
		c.contacts += len(r.Inputs)
	}
}

func (c *tally) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts = counts{}
}

func (c *tally) read() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// disturb sends a request every so often until ctx ends, whatever the answer.
func disturb(ctx context.Context, api string, every time.Duration) {
	const body = `{"inputs":[{"id":"` + otherEmail + `","idProperty":"email","properties":{"firstname":"Another"}}]}`
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	var asking sync.WaitGroup
	defer asking.Wait()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		asking.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/crm/objects/2026-09/contacts/batch/upsert", bytes.NewReader([]byte(body)))
			if err != nil {
				return
			}
			req.Header.Set("Authorization", "Bearer "+key)
			req.Header.Set("Content-Type", "application/json")
			if res, err := client.Do(req); err == nil {
				_ = spend(res) // it was counted where it arrived
			}
		})
	}
}
