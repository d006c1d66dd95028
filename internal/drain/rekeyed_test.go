package drain

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// A new key ends a pause for the old one at once, if the probe agrees; a pause for
// another reason it leaves alone.
func TestANewKeyEndsThePause(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code   contact.Code
		good   bool          // the new key
		probed time.Duration // since the new key
	}{
		{contact.CodeUnauthorized, true, 0},
		{contact.CodeUnauthorized, false, 0},
		{contact.CodePropertyMissing, true, 20 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			bad := true
			q, d := &fakeQueue{next: -1}, &fakeDestination{}
			d.probe = func() error { // called under the lock
				if bad {
					return errors.New("401")
				}
				return nil
			}
			d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
				d.mu.Lock()
				defer d.mu.Unlock()
				if !bad {
					return all(batch, contact.Outcome{Verdict: contact.Synced})
				}
				r := all(batch, contact.Outcome{Verdict: contact.Retry, Forgiving: true, Code: test.code})
				r.Pause = &contact.AccountPause{Code: test.code, Reason: "refused", Probe: true}
				return r
			}
			q.add(1)
			rekeyed := make(chan struct{}, 1)
			_, stop, _ := start(t, q, d, func(l *Loop) { l.Rekeyed = rekeyed })
			time.Sleep(10 * time.Second)
			d.mu.Lock()
			before := len(d.probes)
			bad = !test.good
			d.mu.Unlock()
			began := time.Now()
			rekeyed <- struct{}{}
			time.Sleep(25 * time.Second)
			d.mu.Lock()
			if after := d.probes[before:]; len(after) == 0 || after[0].Sub(began) != test.probed {
				t.Errorf("%s: probed at %v, want %v after the new key", test.code, after, test.probed)
			}
			d.mu.Unlock()
			q.mu.Lock()
			if ended := len(q.pauses) > 0 && q.pauses[len(q.pauses)-1] == nil; ended != test.good {
				t.Errorf("%s: the pause has ended: %t, want %t", test.code, ended, test.good)
			}
			q.mu.Unlock()
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
