package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// processFaults is what happens to the replicas themselves.
func processFaults() []faultKind {
	return []faultKind{
		{"kill -9 the leader", 3, 0, killLeader},
		{"kill -9 the sender as its request arrives", 3, 0, killAtArrival},
		{"kill -9 the sender before it is answered", 3, 0, killBeforeAnswer},
		{"kill -9 anyone", 1, 0, killAnyone},
		{"kill -9 everyone", 1, 0, killEveryone},
		{"SIGTERM the leader", 2, 0, terminateLeader},
		{"SIGTERM anyone", 1, 0, terminateAnyone},
		{"freeze the leader for a moment", 2, 0, freezeLeader},
		{"freeze anyone for a moment", 1, 0, freezeAnyone},
		{"freeze the leader beyond its lease", 2, 22 * time.Second, freezeLeaderLong},
		{"freeze anyone beyond the lease", 1, 22 * time.Second, freezeAnyoneLong},
	}
}

func killLeader(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.killAndReplace(ctx, w.leader(ctx, r), r)
}

func killAnyone(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.killAndReplace(ctx, w.anyone(r), r)
}

// replaceMost is how long a replica is away at most after it ended.
const replaceMost = 2 * time.Second

func (w *world) killAndReplace(ctx context.Context, victim *replica, r *rand.Rand) (string, error) {
	away := between(r, 0, replaceMost)
	if err := victim.kill(); err != nil {
		return victim.String(), err
	}
	defer victim.start()
	pause(ctx, away)
	return fmt.Sprintf("%v, back after %v", victim, away.Round(time.Millisecond)), nil
}

// killAtArrival kills whoever sends the next upsert while that is on its way into
// HubSpot's database, where it may arrive after the sender's death.
func killAtArrival(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	late := between(r, 0, lateMost)
	if r.IntN(3) == 0 {
		late = 0
	}
	w.front.beLate(late)
	return w.killWhen(ctx, r, w.front.onArrival, fmt.Sprintf("its request takes effect %v later", late.Round(time.Millisecond)))
}

// killBeforeAnswer kills whoever sent the next upsert when it has taken effect.
func killBeforeAnswer(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.killWhen(ctx, r, w.front.onDone, "its request has taken effect")
}

func (w *world) killWhen(ctx context.Context, r *rand.Rand, when func(func(*replica)), what string) (string, error) {
	away := between(r, 0, replaceMost)
	killed := make(chan *replica, 1)
	when(func(sender *replica) {
		if sender.kill() == nil {
			killed <- sender
		}
	})
	select {
	case victim := <-killed:
		defer victim.start()
		pause(ctx, away)
		return fmt.Sprintf("%v, back after %v; %s", victim, away.Round(time.Millisecond), what), nil
	case <-time.After(3 * time.Second):
		return "", fmt.Errorf("no request in time: %w", errAway) // one that still comes is killed, and replaced after the storm
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func killEveryone(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	away := between(r, 0, replaceMost)
	for _, victim := range w.replicas {
		_ = victim.kill() // one that is not there is dead enough
	}
	pause(ctx, away)
	w.startAll()
	return fmt.Sprintf("back after %v", away.Round(time.Millisecond)), nil
}

func terminateLeader(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.terminateAndReplace(ctx, w.leader(ctx, r), r)
}

func terminateAnyone(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.terminateAndReplace(ctx, w.anyone(r), r)
}

func (w *world) terminateAndReplace(ctx context.Context, one *replica, r *rand.Rand) (string, error) {
	away := between(r, 0, replaceMost)
	began := time.Now()
	if err := one.terminate(); err != nil {
		return one.String(), err
	}
	took := time.Since(began)
	defer one.start()
	pause(ctx, away)
	return fmt.Sprintf("%v ended in %v, back after %v", one, took.Round(time.Millisecond), away.Round(time.Millisecond)), nil
}

func freezeLeader(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.freeze(ctx, w.leader(ctx, r), between(r, 10*time.Millisecond, 4*time.Second))
}

func freezeAnyone(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.freeze(ctx, w.anyone(r), between(r, 10*time.Millisecond, 4*time.Second))
}

func freezeLeaderLong(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.freeze(ctx, w.leader(ctx, r), between(r, 14*time.Second, 22*time.Second))
}

func freezeAnyoneLong(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return w.freeze(ctx, w.anyone(r), between(r, 14*time.Second, 22*time.Second))
}

func (w *world) freeze(ctx context.Context, one *replica, lasts time.Duration) (string, error) {
	what := fmt.Sprintf("%v for %v", one, lasts.Round(time.Millisecond))
	if _, err := one.signal(syscall.SIGSTOP, false); err != nil {
		return what, err
	}
	pause(ctx, lasts)
	_, err := one.signal(syscall.SIGCONT, false)
	return what, err
}

// startAll starts every replica that is not there.
func (w *world) startAll() {
	for _, r := range w.replicas {
		r.start()
	}
}
