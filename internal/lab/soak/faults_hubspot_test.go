package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// hubspotFaults is what HubSpot and the way there do.
func hubspotFaults() []faultKind {
	sick := func(name string, weight int, f hubspotsim.Fault) faultKind {
		return faultKind{name, weight, 0, sickness(f)}
	}
	return []faultKind{
		sick("429", 2, hubspotsim.Fault{Status: 429, Header: map[string]string{"Retry-After": "1"}}),
		sick("423", 1, hubspotsim.Fault{Status: 423}),
		sick("500", 2, hubspotsim.Fault{Status: 500}),
		sick("502", 2, hubspotsim.Fault{Status: 502}),
		sick("502 after the write", 1, hubspotsim.Fault{Status: 502, AfterWrite: true}),
		sick("503", 1, hubspotsim.Fault{Status: 503}),
		sick("504 after the write", 1, hubspotsim.Fault{Status: 504, AfterWrite: true}),
		sick("connection cut", 2, hubspotsim.Fault{Mode: hubspotsim.Cut}),
		sick("lost response", 3, hubspotsim.Fault{Mode: hubspotsim.Cut, AfterWrite: true}),
		sick("hangs", 2, hubspotsim.Fault{Mode: hubspotsim.Hang}),
		sick("hangs after the write", 2, hubspotsim.Fault{Mode: hubspotsim.Hang, AfterWrite: true}),
		sick("slow", 3, hubspotsim.Fault{Latency: hubspotTimeout / 2}),
		sick("results missing", 2, hubspotsim.Fault{Mode: hubspotsim.MissingResults, Drop: 2}),
		sick("others' results", 1, hubspotsim.Fault{Mode: hubspotsim.OtherResults}),
		sick("not JSON", 1, hubspotsim.Fault{Mode: hubspotsim.NotJSON}),
		sick("half an answer", 1, hubspotsim.Fault{Mode: hubspotsim.Truncate}),
		sick("wrong Content-Type", 1, hubspotsim.Fault{Mode: hubspotsim.ContentType}),
		{"one contact fails", 6, 0, spoilOne},
		{"takes effect late", 4, 0, landLate},
		{"key refused for a moment", 1, 35 * time.Second, refuseKey},
	}
}

// sickness makes the next few upserts meet a fault.
func sickness(f hubspotsim.Fault) func(context.Context, *world, *rand.Rand) (string, error) {
	return func(_ context.Context, w *world, r *rand.Rand) (string, error) {
		f.Path, f.Times = "batch/upsert", 1
		if r.IntN(4) == 0 { // three in a row pause the account, and nothing happens for a while
			f.Times += r.IntN(4)
		}
		w.count.add("requests that met a fault, at most", f.Times)
		w.sim.Inject(f)
		return fmt.Sprintf("%d times", f.Times), nil
	}
}

// spoilOne makes the next requests fail that hold one contact, whatever else is in them.
func spoilOne(_ context.Context, w *world, r *rand.Rand) (string, error) {
	page := map[string]string{"Content-Type": "text/html"}
	all := []hubspotsim.Fault{
		{Status: 500},
		{Status: 502, AfterWrite: true},
		{Status: 403, Body: "<html><body>You have been blocked</body></html>", Header: page},
		{Mode: hubspotsim.Cut, AfterWrite: true},
		{Mode: hubspotsim.Hang},
		{Mode: hubspotsim.RowError, Category: "RATE_LIMITS"},
	}
	f, email := all[r.IntN(len(all))], contactEmail(r.IntN(contacts))
	f.Path, f.Times = "batch/upsert", 1+r.IntN(8)
	if email == nil {
		return "it has no email", nil
	}
	f.Holds = *email
	w.count.add("requests that met a fault, at most", f.Times)
	w.sim.Inject(f)
	return fmt.Sprintf("%s, %d times", f.Holds, f.Times), nil
}

// landLate makes the next few upserts take effect later than their sender waits.
func landLate(_ context.Context, w *world, r *rand.Rand) (string, error) {
	late := make([]time.Duration, 1+r.IntN(3))
	for i := range late {
		late[i] = between(r, hubspotTimeout/4, lateMost)
	}
	w.count.add("requests that met a fault, at most", len(late))
	w.front.beLate(late...)
	return fmt.Sprint(late), nil
}

func refuseKey(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	lasts := between(r, 500*time.Millisecond, 3*time.Second)
	w.sim.SetToken("another key")
	defer w.sim.SetToken(progtest.GoodKey)
	pause(ctx, lasts)
	w.count.add("requests that met a fault, at most", 2*w.plan.slots)
	return fmt.Sprintf("for %v", lasts.Round(time.Millisecond)), nil
}
