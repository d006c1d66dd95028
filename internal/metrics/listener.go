package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// WatchListener adds whether notifications are known to arrive.
func (d *Destination) WatchListener(proven func() bool) {
	d.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "listener_proven",
		Help: "Whether notifications are known to arrive at this leader: 1 or 0, and 0 for a follower.",
	}, func() float64 { return number(proven()) }))
}

// Rang implements [wake.Observer].
func (d *Destination) Rang() { d.notifications.Inc() }

// Heard implements [wake.Observer].
func (d *Destination) Heard(roundTrip time.Duration) { d.roundTrip.Observe(roundTrip.Seconds()) }

// Missed implements [wake.Observer].
func (d *Destination) Missed() { d.missedHeartbeats.Inc() }
