package drain

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// How long the account is left alone when the answer does not say.
const (
	firstProbe    = 30 * time.Second // a key or a property must be mended by a person
	maxProbe      = 5 * time.Minute
	firstOutage   = 5 * time.Second  // a service that is down may be back soon
	maxOutage     = 15 * time.Second // a queue of thousands is to be synced within a minute of its end
	outagesToStop = 3                // reports in a row without a usable answer

	probeTimeout = 30 * time.Second
)

// accountCodes are the failures for which the account is to blame: their rows
// are made due as soon as it can be used again.
var accountCodes = []contact.Code{contact.CodeUnauthorized, contact.CodeForbidden}

// PausedError says that nothing can be sent because the account is paused.
type PausedError struct {
	Pause contact.Pause
}

func (e *PausedError) Error() string {
	return fmt.Sprintf("HubSpot is paused (%s): %s", e.Pause.Code, e.Pause.Reason)
}

// pause is a pause that the loop keeps.
type pause struct {
	contact.Pause
	until time.Time
}

// judge decides what a report means beyond its rows: whether the account is
// paused now, and whether its failures are to be spent on the rows. The first
// report after a pause is a probe with one contact, and its failure spends
// nothing. That contact is put off beyond the next probe, or one that makes
// HubSpot fail would stand before all others for ever. What was under way already
// when a pause began tells nothing new, and spends nothing either.
func (r *run) judge(ctx context.Context, report *contact.Report) {
	usable, late, probe := report.Pause == nil && !report.Outage, r.paused != nil, r.unproven
	if !late && (!usable || report.Requests > 0) {
		r.trusted = usable
	}
	switch {
	case late:
	case usable && report.Requests > 0:
		r.unproven, r.tried, r.pauses, r.outages = false, false, 0, 0
	case report.Pause != nil:
		r.startPause(ctx, *report.Pause, firstProbe, maxProbe)
	case report.Outage:
		r.outages++
		if probe || r.outages >= outagesToStop {
			r.startPause(ctx, outagePause(report.Outcomes), firstOutage, maxOutage)
		}
	}
	if usable {
		return
	}
	for i := range report.Outcomes {
		o := &report.Outcomes[i]
		if probe && o.Verdict == contact.Retry {
			o.Verdict = contact.Unspent
		}
		if probe && !late && o.Verdict == contact.Unspent {
			o.PutOff = r.paused.For + time.Second
		}
	}
}

// outagePause is the pause for a report without a usable answer.
func outagePause(outcomes []contact.Outcome) contact.Pause {
	at := max(0, slices.IndexFunc(outcomes, func(o contact.Outcome) bool { return o.Verdict != contact.Reject }))
	return contact.Pause{
		Code:   outcomes[at].Code,
		Reason: "HubSpot cannot be reached or answers with errors: " + outcomes[at].Message,
	}
}

// startPause pauses the account for as long as asked, else from first doubling
// to most with every pause that follows another.
func (r *run) startPause(ctx context.Context, p contact.Pause, first, most time.Duration) {
	if p.For <= 0 {
		p.For = most
		if r.pauses < 10 {
			p.For = min(first<<r.pauses, most)
		}
	}
	r.pauses++
	r.unproven = true
	r.paused = &pause{Pause: p, until: time.Now().Add(p.For)}
	r.observer().Paused(&p)
	r.Log.WarnContext(ctx, "HubSpot sync paused", "code", p.Code, "reason", p.Reason, "lasts", p.For)
}

// showPause writes a new pause, or its end, down for other processes.
func (r *run) showPause(ctx context.Context) error {
	if r.paused == r.shown {
		return nil
	}
	var now *contact.Pause
	if r.paused != nil {
		now = &r.paused.Pause
	}
	if err := r.Queue.ShowPause(ctx, now); err != nil {
		return err
	}
	r.shown = r.paused
	return nil
}

// waitForAccount waits until the pause is over or the tick is due. Wake-ups
// wait too: a pause outranks them, and its end looks at the queue anyway.
func (r *run) waitForAccount(ctx, stop context.Context) {
	wait := min(time.Until(r.paused.until), time.Until(r.tickAt), r.untilPending())
	if r.passKeyed(ctx, wait, stop.Done()) && slices.Contains(accountCodes, r.paused.Code) {
		r.paused.until = time.Now() // the probe tells
	}
	if time.Now().Before(r.paused.until) || stop.Err() != nil || ctx.Err() != nil {
		return
	}
	r.endPause(ctx)
}

// passKeyed lets a time pass, unless something ends it, and answers whether a new
// key did.
func (r *run) passKeyed(ctx context.Context, d time.Duration, stop <-chan struct{}) (rekeyed bool) {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-r.Rekeyed:
		return true
	case <-timer.C:
	case <-stop:
	case <-ctx.Done():
	}
	return false
}

// endPause ends the pause, or prolongs it when the probe says that the trouble
// is not over.
func (r *run) endPause(ctx context.Context) {
	ended := r.paused.Pause
	if ended.Probe {
		if err := r.probe(ctx); err != nil {
			ended.For = 0
			r.startPause(ctx, ended, firstProbe, maxProbe)
			return
		}
	}
	r.paused = nil
	r.look = look{reason: ReasonStart}
	r.observer().Paused(nil)
	r.Log.InfoContext(ctx, "HubSpot sync goes on", "code", ended.Code)
	// Every other time another contact is to try, of those that wait for the
	// account. When it goes through, the others follow.
	if r.tried = !r.tried && slices.Contains(accountCodes, ended.Code); r.tried {
		r.unproven, r.resuming, r.toResume = true, true, 1
	}
}

func (r *run) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return r.Destination.Probe(ctx)
}

// allRows is more than there are.
const allRows = math.MaxInt32

// resume makes rows due that waited for the account, as many as it is time for.
func (r *run) resume(ctx context.Context) error {
	if r.toResume == 0 {
		return nil
	}
	n, err := r.Queue.MakeDue(ctx, accountCodes, r.toResume)
	if err != nil {
		return err
	}
	r.toResume = 0
	if n > 0 {
		r.Log.InfoContext(ctx, "Contacts that waited for the account are due now", "rows", n)
		r.look = look{reason: ReasonDue}
	}
	return nil
}

// resumeRest lets the rows follow that still wait for the account, once it has
// taken a write.
func (r *run) resumeRest() {
	if r.resuming && !r.unproven && r.outages == 0 {
		r.resuming, r.toResume = false, allRows
	}
}

// accountCheck is the check at the start: it logs, brings back the rows that
// failed for a key which has been changed since, and then has Checked look at the
// rest. It runs beside the first cycles, because a slow answer must not keep them
// waiting.
type accountCheck struct {
	result chan error
	group  sync.WaitGroup
	cancel context.CancelFunc
}

func (r *run) checkAccount(ctx context.Context) *accountCheck {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	check := &accountCheck{result: make(chan error, 1), cancel: cancel}
	check.group.Go(func() {
		err := r.Destination.Probe(ctx)
		switch {
		case err == nil:
			r.Log.InfoContext(ctx, "HubSpot account checked")
		case ctx.Err() == nil:
			r.Log.WarnContext(ctx, "HubSpot account check failed", "error", err)
		}
		check.result <- err
		if err == nil && r.Checked != nil {
			r.Checked(ctx)
		}
	})
	return check
}

// passed answers true once, when the check has ended well.
func (c *accountCheck) passed() bool {
	select {
	case err := <-c.result:
		return err == nil
	default:
		return false
	}
}

func (c *accountCheck) wait() {
	c.cancel()
	c.group.Wait()
}
