package dashboard

import (
	"net/http"

	"github.com/scrapersky/contactsync/internal/ops"
)

// overview is the first page.
func (d *Dashboard) overview(*http.Request) (view, error) {
	g, err := d.queueState()
	if err != nil {
		return view{}, err
	}
	return view{Page: "overview", Title: "Overview", Nav: "overview", Data: d.overviewOf(g), Every: 5}, nil
}

// board is what the overview shows.
type board struct {
	*queueState
	ReadOnly bool
	Spans    []span
	Limits   []limit
}

func (d *Dashboard) overviewOf(g *queueState) board {
	return board{
		queueState: g, ReadOnly: d.ReadOnly, Limits: limitsOf(g.Replicas),
		Spans: []span{d.spanOf("hour", "Last hour", "60 min ago", g.Hour), d.spanOf("day", "Last day", "24 h ago", g.Day)},
	}
}

// span is a part of the past: its plots and what is to be expected of it.
type span struct {
	ID, Name, From string
	Known          bool // it could be added up in time
	Sum            ops.Point
	Throughput     throughput
	Latency        latency
	Checks         []check
}

// check is a measure against what is to be expected.
type check struct {
	Name, Value, Wanted string
	Known, Good         bool
}

func (d *Dashboard) spanOf(id, name, from string, points []ops.Point) span {
	sum := ops.Sum(points)
	s := span{
		ID: id, Name: name, From: from, Known: points != nil, Sum: sum,
		Throughput: throughputOf(points), Latency: latencyOf(points, d.label()),
	}
	attempts := float64(sum.Synced + sum.Retried + sum.Failed)
	success, retries := 0.0, 0.0
	if attempts > 0 {
		success, retries = float64(sum.Synced)/attempts, float64(sum.Retried)/attempts
	}
	p95 := sum.Quantile(0.95)
	s.Checks = []check{
		{"Success", percent(success), "> 95 %", attempts > 0, success > ops.LeastSuccess},
		{"Retries", percent(retries), "< 5 %", attempts > 0, retries < ops.MostRetries},
		{"Commit → " + d.label() + ", 95 of 100", seconds(p95), "≤ 2 s", p95 != nil, p95 != nil && *p95 <= ops.MostPerContact},
	}
	return s
}

// limit is what the destination lets through.
type limit struct {
	Name       string
	Left, Most int
	At         any
	Width      int // of 100
	Low        bool
}

// limitsOf takes of each limit what was heard last.
func limitsOf(replicas []ops.Replica) []limit {
	var rate, day *ops.Replica
	for i := range replicas {
		r := &replicas[i]
		if r.RateAt != nil && r.RateMax != nil && r.RateLeft != nil && (rate == nil || r.RateAt.After(*rate.RateAt)) {
			rate = r
		}
		if r.DailyAt != nil && r.DailyMax != nil && r.DailyLeft != nil && (day == nil || r.DailyAt.After(*day.DailyAt)) {
			day = r
		}
	}
	var list []limit
	if rate != nil {
		list = append(list, newLimit("In 10 seconds", *rate.RateLeft, *rate.RateMax, rate.RateAt))
	}
	if day != nil {
		list = append(list, newLimit("Today", *day.DailyLeft, *day.DailyMax, day.DailyAt))
	}
	return list
}

func newLimit(name string, left, most int, at any) limit {
	l := limit{Name: name, Left: left, Most: most, At: at}
	if most > 0 {
		l.Width = max(0, min(100, 100*left/most))
	}
	l.Low = l.Width < 10
	return l
}
