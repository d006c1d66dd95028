package hubspotsim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestReceivedIsBounded(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{Keep: 10})
	for i := range 57 {
		upsert(t, sim, "2026-09", row(fmt.Sprintf("c%d@example.org", i), nil))
	}
	received, writes := sim.Received(), sim.Writes()
	if len(received) != 10 || received[0].Seq != 48 || received[9].Seq != 57 || received[9].Inputs[0].ID != "c56@example.org" {
		t.Errorf("%d requests from %d", len(received), received[0].Seq)
	}
	if len(writes) != 50 || writes[0].Seq != 8 || writes[49].Email != "c56@example.org" {
		t.Errorf("%d writes from %d", len(writes), writes[0].Seq)
	}
	if s := sim.Stats(); s.Requests != 57 || s.Writes != 57 || s.Contacts != 57 {
		t.Errorf("stats: %+v", s)
	}
	// Inputs are bounded too: 3 batches of 20 are more than 50 inputs.
	for b := range 3 {
		rows := make([]input, 20)
		for i := range rows {
			rows[i] = row(fmt.Sprintf("b%d-%d@example.org", b, i), nil)
		}
		upsert(t, sim, "2026-09", rows...)
	}
	if received := sim.Received(); len(received) != 2 || received[1].Seq != 60 {
		t.Errorf("%d requests are kept", len(received))
	}
}

func TestWhatIsReturnedIsACopy(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	upsert(t, sim, "2026-09", row("ada@example.org", map[string]string{"phone": "1"}))
	contact, _ := sim.Contact("ada@example.org")
	contact.Properties["phone"] = "2"
	sim.Received()[0].Inputs[0].Properties["phone"] = "2"
	sim.Writes()[0].Properties["phone"] = "2"
	sim.Contacts()[0].Properties["phone"] = "2"
	again, _ := sim.Contact("ada@example.org")
	if again.Properties["phone"] != "1" || sim.Received()[0].Inputs[0].Properties["phone"] != "1" || sim.Writes()[0].Properties["phone"] != "1" {
		t.Error("a caller can change the record")
	}
}

func TestWatchers(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	var arrived, done []hubspotsim.Request
	stopArrival := sim.OnArrival(func(r hubspotsim.Request) { arrived = append(arrived, r) })
	stop := sim.OnRequest(func(r hubspotsim.Request) {
		done = append(done, r)
		if n := len(sim.Writes()); n != len(done) {
			t.Errorf("%d writes are visible in call %d", n, len(done))
		}
	})
	upsert(t, sim, "2026-09", row("ada@example.org", nil))
	if len(arrived) != 1 || arrived[0].Status != 0 || arrived[0].Inputs != nil || arrived[0].Path != objects("2026-09", "batch/upsert") {
		t.Errorf("arrived: %+v", arrived)
	}
	if len(done) != 1 || done[0].Status != http.StatusOK || len(done[0].Inputs) != 1 || !done[0].Applied {
		t.Errorf("done: %+v", done)
	}
	sim.Reset() // keeps the watchers, who count anew
	done = nil
	upsert(t, sim, "2026-09", row("ada@example.org", nil))
	stop()
	stopArrival()
	upsert(t, sim, "2026-09", row("ada@example.org", nil))
	if len(done) != 1 || len(arrived) != 2 {
		t.Errorf("after the reset %d, arrived %d", len(done), len(arrived))
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() { upsert(t, sim, "2026-09", row(fmt.Sprintf("c%d@example.org", i), nil)) })
	}
	if writes, err := sim.WaitWrites(t.Context(), 8); err != nil || len(writes) < 8 {
		t.Errorf("%d writes, %v", len(writes), err)
	}
	if requests, err := sim.WaitRequests(t.Context(), 8); err != nil || len(requests) != 8 {
		t.Errorf("%d requests, %v", len(requests), err)
	}
	if requests, err := sim.WaitArrivals(t.Context(), 8); err != nil || len(requests) != 8 {
		t.Errorf("%d requests, %v", len(requests), err)
	}
	all.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{
		second(sim.WaitWrites(ctx, 9)), second(sim.WaitRequests(ctx, 9)), second(sim.WaitArrivals(ctx, 9)),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for too much: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestConcurrentUpsertsOfOneContact(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { upsert(t, sim, "2026-09", row("ada@example.org", nil)) })
	}
	all.Wait()
	created := 0
	for _, w := range sim.Writes() {
		if w.Created {
			created++
		}
	}
	if len(sim.Contacts()) != 1 || created != 1 || sim.Stats().Writes != 50 {
		t.Errorf("%d contacts, created %d times, %d writes", len(sim.Contacts()), created, sim.Stats().Writes)
	}
}

func TestMistakesOfTheProgramPanic(t *testing.T) {
	t.Parallel()
	for _, o := range []hubspotsim.Options{
		{TimeZone: "Mars/Olympus"}, {Behaviour: hubspotsim.Behaviour{ErrorShape: "round"}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", o)
				}
			}()
			hubspotsim.New(o)
		}()
	}
}
