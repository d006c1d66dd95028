package queue

import (
	"errors"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// The first account that something is sent to is the only one.
func TestAccount(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	one, two := b.leader(0), b.leader(1)
	for _, step := range []struct {
		q     *Queue
		found string
		send  bool
		known bool
		other bool
	}{
		{one, "1", false, false, false}, // only asked: nothing was sent yet
		{two, "2", false, false, false},
		{two, "2", true, true, false},
		{two, "2", false, true, false},
		{one, "1", true, true, true},
		{one, "1", false, true, true},
		{one, "2", true, true, false},
	} {
		known, err := step.q.Account(t.Context(), step.found, step.send)
		other, isOther := errors.AsType[*destination.OtherAccountError](err)
		if known != step.known || isOther != step.other || err != nil && !isOther {
			t.Errorf("%+v: known %t, %v", step, known, err)
		}
		if isOther && (other.Known != "2" || other.Found != step.found) {
			t.Errorf("%+v: %+v", step, other)
		}
	}
}
