package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/destination"
)

// How long what a destination said of its limits is worth showing: it grows wrong by
// itself when the window moves on, and at midnight.
const (
	showRate  = time.Minute
	showDaily = time.Hour
)

// limits shows what the destination's answers said of its limits.
type limits struct {
	known       func() destination.Limits
	limit, left *prometheus.Desc
}

// WatchLimits adds what is known of the destination's limits to the metrics.
func (d *Destination) WatchLimits(known func() destination.Limits) {
	d.registry.MustRegister(&limits{
		known: known,
		limit: prometheus.NewDesc(namespace+"_rate_limit_requests", "Requests that the destination allows, as its last answer said.", []string{"window"}, nil),
		left:  prometheus.NewDesc(namespace+"_rate_left_requests", "Requests that were left, as the destination's last answer said.", []string{"window"}, nil),
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
	show := func(a destination.Allowance, within time.Duration) {
		if time.Since(a.At) >= within {
			return
		}
		if a.Max >= 0 {
			ch <- prometheus.MustNewConstMetric(l.limit, prometheus.GaugeValue, float64(a.Max), a.Window)
		}
		if a.Left >= 0 {
			ch <- prometheus.MustNewConstMetric(l.left, prometheus.GaugeValue, float64(a.Left), a.Window)
		}
	}
	show(known.Rate, showRate)
	show(known.Daily, showDaily)
}
