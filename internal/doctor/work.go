package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue"
)

// againWhenMended is what happens to contacts that the database refused.
const againWhenMended = "contacts that were refused are tried again every minute, those in Error by `contactsync retry`"

// startOne is what to do where nobody leads.
func (d Database) startOne() string {
	return "start `contactsync run` with a " + d.Destination.Setting
}

// replicas tells who leads, who waits, and whether the work is paused.
func (d Database) replicas(ctx context.Context) Finding {
	status, err := d.store().Snapshot(ctx, 0)
	if err != nil {
		return d.broken(err)
	}
	others, err := askAll[struct{ Name string }](ctx, d, sql.Text("others"), d.Name)
	if err != nil {
		return d.broken(err)
	}
	waiting := len(others)
	var leading []string
	for _, l := range status.Leaders {
		leading = append(leading, fmt.Sprintf("%s leads slot %d", l.Instance, l.Slot))
		if slices.ContainsFunc(others, func(o struct{ Name string }) bool { return o.Name == l.Instance }) {
			waiting--
		}
	}
	if status.Hold != nil {
		return warn("`contactsync resume`, when the reason is gone", "%s", status.Sentence(time.Local))
	}
	for _, l := range status.Leaders {
		if l.PauseCode == "" {
			continue
		}
		found := fmt.Sprintf("paused (%s): %s", l.PauseCode, l.PauseReason)
		if contact.Code(l.PauseCode).Passes() {
			return warn("wait: it goes on by itself", "%s", found)
		}
		return fail("do what the reason says; then it goes on by itself, at the next probe", "%s", found)
	}
	if differ := differences(status.Replicas); differ != "" {
		return warn("give all replicas the same version, key and settings; one that is gone disappears here after a day", "replicas differ: %s", differ)
	}
	connected := ops.Count(waiting, "other process is connected", "other processes are connected")
	if len(leading) == 0 {
		return warn(d.startOne(), "nobody leads; %s", connected)
	}
	return fine("%s; %s", strings.Join(leading, ", "), connected)
}

// differences returns what the processes that there are do not have in common, and
// which has what; empty where that is nothing.
func differences(replicas []ops.Replica) string {
	var found []string
	for _, setting := range []struct {
		name string
		of   func(r ops.Replica) string
	}{
		{"version", func(r ops.Replica) string { return r.Version }},
		{"batch size", func(r ops.Replica) string { return strconv.Itoa(r.BatchSize) }},
		{"instances", func(r ops.Replica) string { return strconv.Itoa(r.Instances) }},
		{"account", func(r ops.Replica) string { return r.Account }},
	} {
		values, who := map[string]bool{}, []string(nil)
		for _, r := range replicas {
			if value := setting.of(r); r.Role != ops.RoleGone && value != "" {
				values[value] = true
				who = append(who, fmt.Sprintf("%s (%s)", value, r.Instance))
			}
		}
		if len(values) > 1 {
			found = append(found, setting.name+" "+strings.Join(who, ", "))
		}
	}
	return strings.Join(found, "; ")
}

// queue looks for contacts that stand still. A row may look older than its request,
// scheduled in the past or without a time in the queue: a leader gets the time to show
// that it works.
func (d Database) queue(ctx context.Context) Finding {
	store := d.store()
	late := time.NewTimer(d.limits.patience)
	defer late.Stop()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		status, err := store.Snapshot(ctx, 0)
		if err != nil {
			return d.broken(err)
		}
		stuck, err := store.Stuck(ctx, queue.AdoptAfter, d.limits.overdue)
		if err != nil {
			return d.broken(err)
		}
		finding := d.still(status, stuck)
		if finding.Level == OK || len(status.Leaders) == 0 {
			return finding
		}
		select {
		case <-again.C:
		case <-late.C:
			return finding
		case <-ctx.Done():
			return finding
		}
	}
}

func (d Database) still(s ops.Snapshot, h ops.Stuck) Finding {
	led := len(s.Leaders) > 0
	paused := s.Hold != nil || slices.ContainsFunc(s.Leaders, func(l ops.Leader) bool { return l.PauseCode != "" })
	working := h.LastCycleSeconds != nil && *h.LastCycleSeconds < d.limits.overdue.Seconds()
	overdue := ops.Count(h.Overdue, "contact is", "contacts are")
	standing := fmt.Sprintf("%d due, %d waiting for their time, %d in flight, %d in Error", s.Queue.Due, s.Queue.Waiting, s.Queue.InFlight, s.Queue.Error)
	switch {
	case len(s.Refusals) > 0:
		return fail("look at the trigger, the constraint or the right that is named; "+againWhenMended, "refused by the database: %s", s.Refusals[0].Text())
	case h.Orphaned > 0 && !led:
		return fail(d.startOne()+": it puts back into the queue what was left", "%s Processing for over %v, and nobody is at work", ops.Count(h.Orphaned, "contact is", "contacts are"), queue.AdoptAfter)
	case h.Orphaned > 0:
		return fail("the leader puts back what was left, at its next tick; to do it now: `contactsync queue --status Processing`",
			"%s Processing for over %v, and nobody is at work", ops.Count(h.Orphaned, "contact is", "contacts are"), queue.AdoptAfter)
	case h.Overdue == 0, led && working && !paused:
		return fine("%s", standing)
	case !led:
		return fail(d.startOne(), "%s due for over %v, and nobody leads", overdue, d.limits.overdue)
	case paused:
		return warn("see replicas", "%s for the end of the pause", ops.Count(h.Overdue, "contact is due and waits", "contacts are due and wait"))
	}
	return fail("look at the leader's log; look for apps that hold the rows locked (see transactions) or whose triggers refuse the claim. "+
		"Rows that no trigger saw (an attached partition, a restore, a replication) wait for the tick: SELECT pg_notify('contact_queued', '') wakes the leader now. Or restart the leader",
		"%s due for over %v, and nobody works although %s leads", overdue, d.limits.overdue, s.Leaders[0].Instance)
}
