package leader

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// errDone is the reason when lead has returned.
var errDone = errors.New("no longer leading")

// run calls lead with a heartbeat beside it, which goes on until lead has
// returned: also while it sends requests, and while it tidies up after hard has
// ended.
func (s *Session) run(hard context.Context, lead func(ctx context.Context, s *Session) error) error {
	ctx, cancel := context.WithCancelCause(hard)
	s.cancel = cancel
	var wg sync.WaitGroup
	returned := make(chan struct{})
	wg.Go(func() { s.keepBeating(context.WithoutCancel(hard), returned) })
	wg.Go(func() { s.watch(returned) })

	err := lead(ctx, s)
	close(returned)
	wg.Wait() // for a heartbeat under way, rather than cut it
	_ = s.end(errors.Join(ErrLeaseLost, errDone))
	return err
}

// keepBeating sends a heartbeat every few seconds. An answer that is an error,
// for instance that the server's notification queue is full, is an answer still.
func (s *Session) keepBeating(ctx context.Context, returned <-chan struct{}) {
	ticker := time.NewTicker(s.timing.beatEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-returned:
			return
		case <-s.done:
			return
		case <-ticker.C:
		}
		err := s.exchange(ctx, s.timing.beatDeadline, s.beat)
		switch {
		case errors.Is(err, ErrLeaseLost):
			return // Run logs it
		case err != nil && !failing:
			s.log.WarnContext(ctx, "heartbeat was refused by the database", "slot", s.slot, "error", err)
		case err == nil && failing:
			s.log.InfoContext(ctx, "heartbeat works again", "slot", s.slot)
		}
		failing = err != nil
	}
}

// watch gives the lease up when it ends unnoticed: after the process was frozen,
// or while a Do goes on beyond its deadline.
func (s *Session) watch(returned <-chan struct{}) {
	for {
		left := s.lease.left(time.Now())
		if left <= 0 {
			err := s.Fresh()
			if err == nil { // an answer came in between
				continue
			}
			_ = s.end(err)
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-returned:
		case <-s.done:
		case <-timer.C:
			continue
		}
		timer.Stop()
		return
	}
}

// ping is the heartbeat of a leader that has nothing better to say.
func ping(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT 1")
	return err
}
