package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/drain"
)

// Began implements [drain.Observer].
func (m *Metrics) Began(ctx context.Context, c drain.Claimed) context.Context {
	m.cycles.WithLabelValues(string(c.Reason)).Inc()
	m.claimed.WithLabelValues(string(c.Reason)).Add(float64(len(c.Contacts)))
	if !c.Woken.IsZero() {
		m.wakeToClaim.Observe(time.Since(c.Woken).Seconds())
	}
	return ctx
}

// Ended implements [drain.Observer].
func (m *Metrics) Ended(_ context.Context, e drain.Ended) {
	m.throttled.Add(e.Throttled.Seconds())
	if e.Err != nil {
		m.broken.Inc()
		return
	}
	m.cycleDuration.Observe(e.Took.Seconds())
}

// Settled implements [drain.Observer].
func (m *Metrics) Settled(_ contact.Contact, o contact.Outcome, s contact.Settled) {
	m.settledAs(result{s.Final, o.Code}).Inc()
	if s.Final == contact.Final(contact.Synced) && o.Created {
		m.created.Inc()
	}
	if s.Waited > 0 {
		m.commitToSynced.Observe(s.Waited.Seconds())
	}
}

// settledAs is the counter of a result. It is kept, because this is done for every
// single contact.
func (m *Metrics) settledAs(r result) prometheus.Counter {
	m.mu.Lock()
	defer m.mu.Unlock()
	counter, met := m.settled[r]
	if !met {
		counter = m.contacts.WithLabelValues(string(r.final), string(r.code))
		m.settled[r] = counter
	}
	return counter
}

// Paused implements [drain.Observer].
func (m *Metrics) Paused(p *contact.AccountPause) {
	for _, code := range contact.Codes() {
		value := 0.0
		if p != nil && p.Code == code {
			value = 1
			m.pauses.WithLabelValues(string(code)).Inc()
		}
		m.paused.WithLabelValues(string(code)).Set(value)
	}
}

// Rescued implements [drain.Observer].
func (m *Metrics) Rescued(rows int) { m.rescued.Add(float64(rows)) }
