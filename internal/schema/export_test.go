package schema

import (
	"context"
	"log/slog"
	"time"
)

// The lock of whoever migrates, for a test to look for.
const (
	LockClass  = lockClass
	LockObject = lockObject
)

// UpOnce is Up that does not try again when it is blocked.
func UpOnce(ctx context.Context, url string, log *slog.Logger) (Result, error) {
	return up(ctx, url, log, timing{attempts: 1, watch: time.Hour})
}

// UpWatchful is Up that asks all the time what an index build waits for, so that
// asking itself is seen to keep no build waiting.
func UpWatchful(ctx context.Context, url string, log *slog.Logger) (Result, error) {
	return up(ctx, url, log, timing{attempts: 1, watch: 200 * time.Microsecond})
}

// Prepare makes a migration's session settings.
var Prepare = prepare
