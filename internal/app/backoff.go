package app

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// A process that starts together with its database waits for it, but not for
// ever: whoever started it wants to know.
const (
	connectPatience = time.Minute
	firstPause      = 250 * time.Millisecond
	longestPause    = 5 * time.Second
)

// connectWithBackoff calls connect until it succeeds, with pauses that double
// from 0.25 s to 5 s, give or take a fifth. It gives up after a minute, when ctx
// ends, and at once when waiting will not help: a wrong password, a database
// that does not exist, a pooler. The error is the last one of connect.
func connectWithBackoff[T any](ctx context.Context, log *slog.Logger, connect func(context.Context) (T, error)) (T, error) {
	began := time.Now()
	trying, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		conn, err := connect(trying)
		if err == nil || ctx.Err() != nil || isLasting(err) {
			return conn, err
		}
		wait := time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64()))
		if left := connectPatience - time.Since(began); wait >= left {
			return conn, fmt.Errorf("no database for %s: %w", connectPatience, err)
		}
		log.WarnContext(ctx, "database cannot be reached, trying again", "in", wait.Round(time.Millisecond), "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return conn, ctx.Err()
		}
	}
}
