package schema

import (
	"context"
	"io/fs"
	"log/slog"
	"time"
)

// The lock of whoever migrates, for a test to look for.
const (
	LockClass  = lockClass
	LockObject = lockObject
)

// UpOnce is Up that does not try again when it is blocked.
func UpOnce(ctx context.Context, url string, o Options, log *slog.Logger) (Result, error) {
	how := standardPolicy()
	how.attempts, how.watch = 1, time.Hour
	return up(ctx, url, o, log, how)
}

// UpWatchful is Up that asks all the time what an index build waits for, so that
// asking itself is seen to keep no build waiting.
func UpWatchful(ctx context.Context, url string, o Options, log *slog.Logger) (Result, error) {
	how := standardPolicy()
	how.attempts, how.watch = 1, 200*time.Microsecond
	return up(ctx, url, o, log, how)
}

// UpWith is Up of a program that knows these versions.
func UpWith(ctx context.Context, url string, o Options, files fs.FS, log *slog.Logger) (Result, error) {
	how := standardPolicy()
	how.files = files
	return up(ctx, url, o, log, how)
}

// DownWith is Down of everything, of a program that knows these versions.
func DownWith(ctx context.Context, url string, o Options, files fs.FS, log *slog.Logger) ([]string, error) {
	how := standardPolicy()
	how.files = files
	return down(ctx, url, o, true, log, how)
}

// Prepare makes a migration's session settings.
var Prepare = prepare
