package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
)

// How long what HubSpot said of its limits is worth telling: it grows wrong by
// itself when the window moves on, and at midnight.
const (
	tellRate  = time.Minute
	tellDaily = time.Hour
)

// limits tells what HubSpot's answers said of its limits.
type limits struct {
	known       func() hubspot.Limits
	limit, left *prometheus.Desc
}

// WatchLimits adds what is known of HubSpot's limits to the metrics.
func (m *Metrics) WatchLimits(known func() hubspot.Limits) {
	m.registry.MustRegister(&limits{
		known: known,
		limit: prometheus.NewDesc(namespace+"_rate_limit_requests", "Requests that HubSpot allows, as its last answer said.", []string{"window"}, nil),
		left:  prometheus.NewDesc(namespace+"_rate_left_requests", "Requests that were left, as HubSpot's last answer said.", []string{"window"}, nil),
	})
}

// Describe implements [prometheus.Collector].
func (l *limits) Describe(ch chan<- *prometheus.Desc) {
	ch <- l.limit
	ch <- l.left
}

// Collect implements [prometheus.Collector].
func (l *limits) Collect(ch chan<- prometheus.Metric) {
	known := l.known()
	tell := func(desc *prometheus.Desc, n int, window string) {
		if n >= 0 {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n), window)
		}
	}
	if time.Since(known.Said10s) < tellRate {
		tell(l.limit, known.Per10s, "10s")
		tell(l.left, known.Left10s, "10s")
	}
	if time.Since(known.SaidDay) < tellDaily {
		tell(l.limit, known.PerDay, "day")
		tell(l.left, known.LeftDay, "day")
	}
}

// WatchListener adds whether notifications are known to arrive.
func (m *Metrics) WatchListener(proven func() bool) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "listener_proven",
		Help: "Whether notifications are known to arrive at this leader: 1 or 0, and 0 for a follower.",
	}, func() float64 { return number(proven()) }))
}
