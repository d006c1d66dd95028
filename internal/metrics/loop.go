package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/drain"
)

// Began implements [drain.Observer].
func (d *Destination) Began(ctx context.Context, c drain.Claimed) context.Context {
	d.cycles.WithLabelValues(string(c.Reason)).Inc()
	d.claimed.WithLabelValues(string(c.Reason)).Add(float64(len(c.Contacts)))
	if !c.Woken.IsZero() {
		d.wakeToClaim.Observe(time.Since(c.Woken).Seconds())
	}
	return ctx
}

// Ended implements [drain.Observer].
func (d *Destination) Ended(_ context.Context, e drain.Ended) {
	d.throttled.Add(e.Throttled.Seconds())
	if e.Err != nil {
		d.broken.Inc()
		return
	}
	d.cycleDuration.Observe(e.Took.Seconds())
}

// Settled implements [drain.Observer].
func (d *Destination) Settled(_ contact.Contact, o contact.Outcome, s contact.Settled) {
	d.settledAs(result{s.Final, o.Code}).Inc()
	if s.Final == contact.Final(contact.Synced) && o.Created {
		d.created.Inc()
	}
	if s.Waited > 0 {
		d.commitToSynced.Observe(s.Waited.Seconds())
	}
}

// settledAs is the counter of a result. It is kept, because this is done for every
// single contact.
func (d *Destination) settledAs(r result) prometheus.Counter {
	d.mu.Lock()
	defer d.mu.Unlock()
	counter, met := d.settled[r]
	if !met {
		counter = d.contacts.WithLabelValues(string(r.final), string(r.code))
		d.settled[r] = counter
	}
	return counter
}

// Paused implements [drain.Observer].
func (d *Destination) Paused(p *contact.AccountPause) {
	for _, code := range contact.Codes() {
		value := 0.0
		if p != nil && p.Code == code {
			value = 1
			d.pauses.WithLabelValues(string(code)).Inc()
		}
		d.paused.WithLabelValues(string(code)).Set(value)
	}
}

// Rescued implements [drain.Observer].
func (d *Destination) Rescued(rows int) { d.rescued.Add(float64(rows)) }
