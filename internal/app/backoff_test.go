package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/database"
)

var errDown = errors.New("down")

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestConnectWithBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var gaps []time.Duration
		last := began
		got, err := connectWithBackoff(t.Context(), quiet(), func(context.Context) (string, error) {
			gaps = append(gaps, time.Since(last))
			last = time.Now()
			if time.Since(began) < 20*time.Second {
				return "", errDown
			}
			return "connection", nil
		})
		if err != nil || got != "connection" {
			t.Fatalf("got %q, %v", got, err)
		}
		pause := firstPause
		for _, gap := range gaps[1:] {
			if gap < pause*8/10 || gap > pause*12/10 {
				t.Errorf("a pause of %s, want %s give or take a fifth: %v", gap, pause, gaps)
			}
			pause = min(2*pause, longestPause)
		}
	})
}

func TestConnectWithBackoffGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := connectWithBackoff(t.Context(), quiet(), func(context.Context) (int, error) { return 0, errDown })
		if took := time.Since(began); !errors.Is(err, errDown) || took > time.Minute || took < 50*time.Second {
			t.Errorf("gave up after %s with %v", took, err)
		}
	})
}

func TestConnectWithBackoffCutsASilentServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := connectWithBackoff(t.Context(), quiet(), func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, errDown
		})
		if took := time.Since(began); !errors.Is(err, errDown) || took != time.Minute {
			t.Errorf("gave up after %s with %v", took, err)
		}
	})
}

func TestConnectWithBackoffSeesThatWaitingDoesNotHelp(t *testing.T) {
	t.Parallel()
	calls := 0
	_, err := connectWithBackoff(t.Context(), quiet(), func(context.Context) (int, error) {
		calls++
		return 0, &database.PooledError{Found: "a pooler"}
	})
	if _, ok := errors.AsType[*database.PooledError](err); !ok || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestConnectWithBackoffStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := connectWithBackoff(ctx, quiet(), func(context.Context) (int, error) { return 0, errDown })
		if took := time.Since(began); err == nil || took != time.Second {
			t.Errorf("stopped after %s with %v", took, err)
		}
	})
}
