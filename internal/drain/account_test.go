package drain

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func verdicts(q *fakeQueue) []contact.Verdict {
	q.mu.Lock()
	defer q.mu.Unlock()
	var got []contact.Verdict
	for _, a := range q.settled {
		got = append(got, a.Outcomes[0].Verdict)
	}
	return got
}

// A wrong key costs one batch. While it lasts the account is probed, slower and
// slower, and nobody's wake-up sends anything; once mended, the rows that failed
// for it are due at once.
func TestUnauthorizedPausesAndProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{probe: func() error { return errors.New("401") }}
		bad := true
		d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
			d.mu.Lock()
			defer d.mu.Unlock()
			if !bad {
				return all(batch, contact.Outcome{Verdict: contact.Synced})
			}
			r := all(batch, contact.Outcome{Verdict: contact.Retry, Forgiving: true, Code: contact.CodeUnauthorized})
			r.Pause = &contact.AccountPause{Code: contact.CodeUnauthorized, Reason: "wrong key", Probe: true}
			return r
		}
		q.add(30)
		began := time.Now()
		wake, stop, _ := start(t, q, d, nil)
		time.Sleep(20 * time.Minute)
		select {
		case wake <- struct{}{}:
		default:
		}
		synctest.Wait()
		d.mu.Lock()
		sent, probes := len(d.sent), d.probes[1:] // the first is the check at the start
		d.mu.Unlock()
		if sent != 1 {
			t.Fatalf("%d batches sent while the key was wrong, want 1", sent)
		}
		var at []time.Duration
		for _, p := range probes {
			at = append(at, p.Sub(began).Round(time.Second))
		}
		want := []time.Duration{30 * time.Second, 90 * time.Second, 210 * time.Second, 450 * time.Second, 750 * time.Second, 1050 * time.Second}
		if len(at) != len(want) {
			t.Fatalf("probes at %v, want %v", at, want)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("probe %d at %v, want %v", i, at[i], want[i])
			}
		}
		d.mu.Lock()
		bad, d.probe = false, nil
		d.mu.Unlock()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if q.resumed != 2 {
			t.Errorf("MakeDue called %d times, want twice: for one row, and for the rest once that one went through", q.resumed)
		}
		if len(d.sent) != 4 || len(d.sent[1]) != triedInHalfOpen {
			t.Errorf("%d batches sent in the end, want four, the second a probe with three contacts", len(d.sent))
		}
		if last := q.pauses[len(q.pauses)-1]; last != nil {
			t.Errorf("the pause is still shown: %+v", last)
		}
	})
}

// An account that can be read but not written to (a missing scope) passes every
// probe. The pauses must grow all the same, and only the first batch spends.
func TestPauseThatTheProbeDoesNotSeeGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
			r := all(batch, contact.Outcome{Verdict: contact.Retry, Forgiving: true, Code: contact.CodeForbidden})
			r.Pause = &contact.AccountPause{Code: contact.CodeForbidden, Probe: true}
			return r
		}
		q.add(1000)
		_, stop, _ := start(t, q, d, nil)
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		got := verdicts(q)
		if len(got) < 5 || len(got) > 10 {
			t.Errorf("%d batches in half an hour, want pauses that grow to five minutes", len(got))
		}
		for i, v := range got {
			if want := map[bool]contact.Verdict{true: contact.Retry, false: contact.Unspent}[i == 0]; v != want {
				t.Errorf("batch %d settled as %s, want %s", i, v, want)
			}
		}
	})
}

// An outage costs three batches one attempt each, whatever is in the queue.
func TestOutageSpendsThreeBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		end := time.Now().Add(10 * time.Minute)
		d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
			if time.Now().After(end) {
				return all(batch, contact.Outcome{Verdict: contact.Synced})
			}
			r := all(batch, contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError})
			r.Outage = true
			return r
		}
		q.add(500)
		_, stop, _ := start(t, q, d, nil)
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		spent, probes := 0, 0
		for _, v := range verdicts(q) {
			switch v {
			case contact.Retry:
				spent++
			case contact.Unspent:
				probes++
			}
		}
		if spent != outagesToStop {
			t.Errorf("%d batches spent an attempt, want %d", spent, outagesToStop)
		}
		if probes < 35 || probes > 45 { // 5, 10, then every 15 s
			t.Errorf("%d probes in ten minutes", probes)
		}
		if len(q.ready) != 0 {
			t.Errorf("%d rows left a minute after the outage", len(q.ready))
		}
	})
}

func TestPauseLastsAsLongAsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		first := true
		d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
			if !first {
				return all(batch, contact.Outcome{Verdict: contact.Synced})
			}
			first = false
			r := all(batch, contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeDailyLimit})
			r.Pause = &contact.AccountPause{Code: contact.CodeDailyLimit, For: 7 * time.Hour}
			return r
		}
		q.add(20)
		_, stop, _ := start(t, q, d, nil)
		time.Sleep(7*time.Hour - time.Second)
		synctest.Wait()
		d.mu.Lock()
		if len(d.sent) != 1 {
			t.Errorf("%d batches before the pause ended, want 1", len(d.sent))
		}
		d.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(d.sent) != 3 || len(d.sent[1]) != triedInHalfOpen {
			t.Errorf("%d batches after the pause, want three, the second a probe with three contacts", len(d.sent))
		}
	})
}

func TestOncePausedSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
			r := all(batch, contact.Outcome{Verdict: contact.Unspent})
			r.Pause = &contact.AccountPause{Code: contact.CodeMigrating, Reason: "HubSpot moves the account"}
			return r
		}
		q.add(1)
		l := &Loop{Queue: q, Destination: d, Listener: listener(true), Wake: make(chan struct{}), Log: quiet(), BatchSize: 10, Slots: 1, Interval: time.Hour, Once: true}
		var paused *AccountError
		if err := l.Run(t.Context(), t.Context()); !errors.As(err, &paused) || paused.Pause.Code != contact.CodeMigrating {
			t.Errorf("Run: %v, want an AccountError", err)
		}
	})
}

// However often the probe failed before, a mended key makes a waiting row due.
func TestMendedKeyResumesAfterAnyNumberOfProbes(t *testing.T) {
	t.Parallel()
	for failures := range 4 {
		synctest.Test(t, func(t *testing.T) {
			q, d := &fakeQueue{next: -1}, &fakeDestination{}
			left := failures + 1 // the check at the start is a probe too
			d.probe = func() error {
				if left--; left >= 0 {
					return errors.New("401")
				}
				return nil
			}
			d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
				r := all(batch, contact.Outcome{Verdict: contact.Retry, Forgiving: true, Code: contact.CodeUnauthorized})
				r.Pause = &contact.AccountPause{Code: contact.CodeUnauthorized, Probe: true}
				return r
			}
			q.add(1)
			_, stop, _ := start(t, q, d, nil)
			time.Sleep(30 * time.Minute)
			synctest.Wait()
			if err := stop(); err != nil {
				t.Error(err)
			}
			if q.resumed != 1 {
				t.Errorf("after %d failed probes: MakeDue called %d times, want once", failures, q.resumed)
			}
		})
	}
}

// What is looked at beside the account's check comes once, after a check that
// passed, keeps nobody waiting, and ends with Run.
func TestCheckedKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	for name, usable := range map[string]bool{"usable": true, "not usable": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, d := &fakeQueue{next: -1}, &fakeDestination{probe: func() error { return nil }}
				if !usable {
					d.probe = func() error { return errors.New("401") }
				}
				checked := 0
				q.add(1)
				_, stop, _ := start(t, q, d, func(l *Loop) {
					l.Checked = func(ctx context.Context) {
						checked++
						<-ctx.Done()
					}
				})
				synctest.Wait()
				if len(verdicts(q)) != 1 {
					t.Error("the contact waits")
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
				if usable != (checked == 1) {
					t.Errorf("called %d times", checked)
				}
			})
		})
	}
}
