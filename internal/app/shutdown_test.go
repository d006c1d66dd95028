package app

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/config"
)

// ends are the ends of a process and who is asked to stop it.
type ends struct {
	app        *App
	asked      chan os.Signal
	stop, hard context.Context
	end        func()
}

func newEnds(ctx context.Context) *ends {
	e := &ends{
		app:   &App{cfg: config.Config{ShutdownTimeout: 25 * time.Second}, log: quiet(), hurry: make(chan struct{})},
		asked: make(chan os.Signal, 3),
	}
	e.stop, e.hard, e.end = e.app.shutdown(ctx, e.asked)
	return e
}

// reached lists which ends were reached, in the order of their severity.
func (e *ends) reached() string {
	synctest.Wait()
	text := ""
	if e.stop.Err() != nil {
		text += " stop"
	}
	select {
	case <-e.app.hurry:
		text += " hurry"
	default:
	}
	if e.hard.Err() != nil {
		text += " hard: " + context.Cause(e.hard).Error()
	}
	return text
}

func TestShutdownBySignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(t.Context())
		defer e.end()
		for _, want := range []string{"", " stop", " stop hurry", " stop hurry hard: asked to stop a third time"} {
			if want != "" {
				e.asked <- syscall.SIGTERM
			}
			if got := e.reached(); got != want {
				t.Errorf("reached%s, want%s", got, want)
			}
		}
	})
}

// Signals that come at once are not lost.
func TestShutdownByThreeSignalsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(t.Context())
		defer e.end()
		for range 3 {
			e.asked <- syscall.SIGINT
		}
		if got, want := e.reached(), " stop hurry hard: asked to stop a third time"; got != want {
			t.Errorf("reached%s, want%s", got, want)
		}
	})
}

func TestShutdownInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnds(t.Context())
		defer e.end()
		time.Sleep(time.Hour)
		if got := e.reached(); got != "" {
			t.Fatalf("reached%s, and nobody has asked", got)
		}
		e.asked <- syscall.SIGTERM
		asked := time.Now()
		<-e.hard.Done()
		if took := time.Since(asked); took != 24*time.Second { // a second before the platform kills
			t.Errorf("given up after %v", took)
		}
		if got, want := e.reached(), " stop hard: the time for an orderly stop is over"; got != want {
			t.Errorf("reached%s, want%s", got, want)
		}
	})
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		e := newEnds(ctx)
		defer e.end()
		cancel()
		if got, want := e.reached(), " stop hard: context canceled"; got != want {
			t.Errorf("reached%s, want%s", got, want)
		}
	})
}
