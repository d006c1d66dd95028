package metrics

import "time"

// Rang implements [wake.Observer].
func (m *Metrics) Rang() { m.notifications.Inc() }

// Heard implements [wake.Observer].
func (m *Metrics) Heard(roundTrip time.Duration) { m.roundTrip.Observe(roundTrip.Seconds()) }

// Missed implements [wake.Observer].
func (m *Metrics) Missed() { m.missedHeartbeats.Inc() }
