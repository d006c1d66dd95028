package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/scrapersky/contactsync/internal/leader"
)

// slotPatience is how long a command waits for a slot that others hold.
const slotPatience = 5 * time.Second

// leadOnce holds a slot a single time and returns what lead returned. It does not
// wait long for a slot that others hold; it returns busy then, or why it could not
// even wait.
func leadOnce(stop, hard context.Context, cfg leader.Config, busy error, lead func(ctx context.Context, s *leader.Session) error) error {
	waiting, end := context.WithCancel(stop)
	defer end()
	var late atomic.Bool
	timer := time.AfterFunc(slotPatience, func() {
		late.Store(true)
		end()
	})
	defer timer.Stop()
	led := false
	var result error
	away := fmt.Errorf("no connection to the database to lead on within %v", slotPatience)
	cfg.OnDisconnect = func(err error) { away = err }
	err := leader.Run(waiting, hard, cfg, func(ctx context.Context, s *leader.Session) error {
		timer.Stop()
		led = true
		result = lead(ctx, s)
		end()
		return result
	})
	switch {
	case err != nil:
		return err
	case led:
		return result
	case late.Load() && stop.Err() == nil && away != nil:
		return away
	case late.Load() && stop.Err() == nil:
		return busy
	default:
		return errors.New("interrupted before anything was sent")
	}
}
