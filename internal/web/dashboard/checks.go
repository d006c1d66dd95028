package dashboard

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/doctor"
)

// doctorRun keeps the results of the last run of the checks, for those who ask at the
// same time: the checks cost the database and the destination something.
type doctorRun struct {
	mu      sync.Mutex
	results []doctor.Result
	at      time.Time
}

const (
	doctorFresh = 10 * time.Second
	doctorLimit = 25 * time.Second // the server cuts responses after 30 s
)

// sheet is what the page of checks shows.
type sheet struct {
	Results []doctor.Result
	Failed  int
	Warned  int
	At      time.Time
}

// checks runs all checks, as `contactsync doctor` does. It takes a second or
// two, and needs neither the schema nor the database to be in order.
func (d *Dashboard) checks(*http.Request) (view, error) {
	d.doctor.mu.Lock()
	defer d.doctor.mu.Unlock()
	c := &d.doctor
	if time.Since(c.at) > doctorFresh {
		ctx, cancel := context.WithTimeout(d.life, doctorLimit)
		defer cancel()
		list, err := d.Checks(ctx)
		if err != nil {
			return view{}, err
		}
		c.results = nil
		doctor.Run(ctx, list, func(r doctor.Result) { c.results = append(c.results, r) })
		// What needs somebody comes first, else they stay as they are.
		rank := map[doctor.Level]int{doctor.Failed: 0, doctor.Warning: 1, doctor.NotChecked: 2, doctor.OK: 3}
		slices.SortStableFunc(c.results, func(a, b doctor.Result) int { return rank[a.Level] - rank[b.Level] })
		c.at = time.Now()
	}
	s := sheet{Results: c.results, At: c.at}
	for _, r := range c.results {
		switch r.Level {
		case doctor.Failed:
			s.Failed++
		case doctor.Warning:
			s.Warned++
		}
	}
	return view{Page: "checks", Title: "Checks", Nav: "checks", Data: s}, nil
}
