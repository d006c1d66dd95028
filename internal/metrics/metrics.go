// Package metrics counts what contactsync does, for Prometheus. It exists so that
// a machine notices what no person looks at: a backlog that grows, a queue that
// nobody works on, a wake-up that was missed. What each metric means and what to do
// about it stands in docs/metrics.md, which a test compares with the registry.
//
// All labels are closed sets, and nothing that a contact holds is one of them. The
// work is counted where it happens and as it happens; how the queue stands is asked
// of the database when somebody scrapes (see Backlog).
package metrics

import (
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/drain"
)

// fast are the bounds, in seconds, for what takes milliseconds when all is well.
var fast = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// Metrics is what a process has to show. It is safe for concurrent use.
type Metrics struct{ registry *prometheus.Registry }

// New registers what is true of a process as a whole: its version, and how it fares.
func New(registry *prometheus.Registry, version string) *Metrics {
	factory{registry}.gaugeVec("build_info", "This build; always 1.", "version", "goversion").WithLabelValues(version, runtime.Version()).Set(1)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Metrics{registry}
}

// Destination counts a process's work for one destination; each of its metrics has the
// destination's name as a label. It implements drain.Observer and wake.Observer, and is
// safe for concurrent use.
type Destination struct {
	registry prometheus.Registerer // adds the label

	leader     prometheus.Gauge
	lostLeases prometheus.Counter

	cycles, claimed  *prometheus.CounterVec // by reason
	broken           prometheus.Counter
	cycleDuration    prometheus.Histogram
	wakeToClaim      prometheus.Histogram
	contacts         *prometheus.CounterVec // by outcome and code
	created, rescued prometheus.Counter
	commitToSynced   prometheus.Histogram
	paused           *prometheus.GaugeVec   // by code
	pauses           *prometheus.CounterVec // by code

	requests        *prometheus.CounterVec   // by call and status
	requestDuration *prometheus.HistogramVec // by call
	throttled       prometheus.Counter

	notifications    prometheus.Counter
	roundTrip        prometheus.Histogram
	missedHeartbeats prometheus.Counter

	mu      sync.Mutex
	settled map[result]prometheus.Counter // those of contacts that were met
}

// result is a pair of labels of contacts.
type result struct {
	final contact.Final
	code  contact.Code
}

// Destination registers what a process counts for a destination, and how many slots
// there are. It must be called once for each.
func (m *Metrics) Destination(of destination.Info, slots int) *Destination {
	registry := prometheus.WrapRegistererWith(prometheus.Labels{"destination": of.Name}, m.registry)
	f := factory{registry}
	d := &Destination{
		registry: registry, settled: map[result]prometheus.Counter{},

		leader:     f.gauge("leader", "Whether this process leads a slot: 1 or 0."),
		lostLeases: f.counter("lost_leases_total", "Times this process lost the slot that it led: its session in the database was gone or silent."),

		cycles:        f.counterVec("cycles_total", "Cycles that found contacts, by what made the loop look.", "reason"),
		claimed:       f.counterVec("claimed_contacts_total", "Contacts claimed, by what made the loop look.", "reason"),
		broken:        f.counter("broken_cycles_total", "Cycles that ended without being settled: their contacts are rescued later."),
		cycleDuration: f.histogram("cycle_duration_seconds", "From the beginning of a claim to the end of its settle.", fast),
		wakeToClaim:   f.histogram("wake_to_claim_seconds", "From a wake-up that ended the sleep to the contacts' being claimed.", fast),

		contacts: f.counterVec("contacts_total", "Contacts by what became of them, and why.", "outcome", "code"),
		created:  f.counter("created_contacts_total", "Contacts that the destination had not known before."),
		rescued:  f.counter("rescued_contacts_total", "Contacts put back into the queue that a worker had left in flight."),
		commitToSynced: f.histogram("commit_to_synced_seconds",
			"From a contact's being queued to its being at the destination, of those that took no retry.", contact.LatencyBounds()),

		paused: f.gaugeVec("paused", "Whether this leader's account is paused for this reason: 1 or 0.", "code"),
		pauses: f.counterVec("pauses_total", "Pauses of the account, by reason, prolonged ones too.", "code"),

		requests:        f.counterVec("requests_total", "Requests to the destination by the status of the answer; none where there was no answer.", "call", "status"),
		requestDuration: f.histogramVec("request_duration_seconds", "From a request's leaving to the beginning of its answer, or to there being none.", fast, "call"),
		throttled:       f.counter("throttled_seconds_total", "Time spent waiting for the rate limit."),

		notifications:    f.counter("notifications_total", "Notifications of queued contacts that arrived."),
		roundTrip:        f.histogram("heartbeat_round_trip_seconds", "From a leader's heartbeat to its own listener's hearing it.", fast),
		missedHeartbeats: f.counter("missed_heartbeats_total", "Heartbeats that the listener did not hear in time."),
	}
	// Series that exist from the start make rates right from the first event on.
	for _, reason := range drain.Reasons() {
		d.cycles.WithLabelValues(string(reason))
		d.claimed.WithLabelValues(string(reason))
	}
	d.Paused(nil)
	f.gauge("slots", "How many processes may lead at a time, as this one is set.").Set(float64(slots))
	return d
}

// scrapeTimeout bounds one scrape; Prometheus's own default is 10 s.
const scrapeTimeout = 8 * time.Second

// mostScrapes is how many are served at a time, so that strangers cannot keep the
// process busy.
const mostScrapes = 4

// Handler serves the metrics. What cannot be had is left out, and never fails the
// rest.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError,
		Timeout: scrapeTimeout, MaxRequestsInFlight: mostScrapes,
	})
}

// Lead notes that this process leads, for as long as until the returned function
// is called. Lost says that the slot was taken from it.
func (d *Destination) Lead() (end func(lost bool)) {
	d.leader.Set(1)
	return func(lost bool) {
		d.leader.Set(0)
		d.Paused(nil) // the next leader's to tell
		if lost {
			d.lostLeases.Inc()
		}
	}
}
