package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/ops"
)

const (
	// lookTimeout bounds one look at the database.
	lookTimeout = 2 * time.Second
	// lookHolds is how long a look is good for at least, however often somebody
	// scrapes.
	lookHolds = 5 * time.Second
	// lookShare is how many times as long as it took a look is good for: looking
	// takes at most a twentieth of the time, whatever there is to count.
	lookShare = 20
	// recently is for how long a process counts that has written itself down.
	recently = time.Minute
)

// Backlog asks the database how the installation stands when somebody scrapes.
// Every replica does, so that it is known also while none of them leads. A look
// that fails leaves its metrics out and says so by one of its own.
type Backlog struct {
	look func(ctx context.Context) (ops.Snapshot, error)
	log  *slog.Logger

	up, took, contacts, oldest, led, replicas, held, connections *prometheus.Desc

	mu   sync.Mutex
	last look
}

type look struct {
	ops.Snapshot
	err  error
	at   time.Time
	took time.Duration
}

// WatchBacklog adds what look tells to the metrics.
func (d *Destination) WatchBacklog(look func(ctx context.Context) (ops.Snapshot, error), log *slog.Logger) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	d.registry.MustRegister(&Backlog{
		look: look, log: log,
		up:          desc("database_up", "Whether the last look at the database succeeded: 1 or 0. While it is 0 the metrics that come from there are missing."),
		took:        desc("database_look_seconds", "How long the last look at the database took."),
		contacts:    desc("queue_contacts", "Contacts by where they stand; at most a million of each are counted.", "state"),
		oldest:      desc("queue_oldest_due_seconds", "How long the oldest contact has been due that nobody has claimed; 0 when there is none."),
		led:         desc("led_slots", "Slots that some process leads."),
		replicas:    desc("replicas", "Processes that work or wait to, as they have told within a minute."),
		held:        desc("held", "Whether an operator has paused the sync: 1 or 0."),
		connections: desc("database_connections", "Connections of all processes to the database."),
	})
}

// Describe implements [prometheus.Collector].
func (b *Backlog) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{b.up, b.took, b.contacts, b.oldest, b.led, b.replicas, b.held, b.connections} {
		ch <- desc
	}
}

// Collect implements [prometheus.Collector].
func (b *Backlog) Collect(ch chan<- prometheus.Metric) {
	now := b.now()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(b.up, number(now.err == nil))
	gauge(b.took, now.took.Seconds())
	if now.err != nil {
		return
	}
	for state, n := range map[string]int64{
		"due": now.Queue.Due, "waiting": now.Queue.Waiting, "processing": now.Queue.Processing, "error": now.Queue.Error,
		"in_flight": now.Queue.InFlight, "quarantined": now.Queue.Quarantined,
		"refused": now.Refused(),
	} {
		gauge(b.contacts, float64(n), state)
	}
	oldest, replicas := 0.0, 0
	if now.Queue.OldestDueSeconds != nil {
		oldest = *now.Queue.OldestDueSeconds
	}
	for _, r := range now.Replicas {
		if r.SeenSeconds < recently.Seconds() {
			replicas++
		}
	}
	gauge(b.oldest, oldest)
	gauge(b.led, float64(len(now.Leaders)))
	gauge(b.replicas, float64(replicas))
	gauge(b.held, number(now.Hold != nil))
	gauge(b.connections, float64(now.Connections))
}

// now is the last look, or a new one where that is too old. Whoever else scrapes
// meanwhile waits for it.
func (b *Backlog) now() look {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.last.at.IsZero() && time.Since(b.last.at) < max(lookHolds, lookShare*b.last.took) {
		return b.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	began := time.Now()
	seen, err := b.look(ctx)
	if (err == nil) != (b.last.err == nil) { // changes only
		if err != nil {
			b.log.WarnContext(ctx, "the metrics of the queue cannot be read from the database", "error", err)
		} else {
			b.log.InfoContext(ctx, "the metrics of the queue can be read again")
		}
	}
	b.last = look{Snapshot: seen, err: err, at: time.Now(), took: time.Since(began)}
	return b.last
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
