package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Mode is how a server is shut down.
type Mode string

// The modes, named as pg_ctl does.
const (
	Fast      Mode = "fast"      // sessions are ended, and everything is written
	Immediate Mode = "immediate" // as in a crash: the next start recovers
)

// errNoHalt says that this server cannot be halted.
var errNoHalt = errors.New("only a server that is a process of this machine can be halted: ask for the kind \"local\"")

// Halt shuts the server down and keeps its data and its port. It returns when
// the server has ended. A server in Docker cannot be halted.
func (s *Server) Halt(ctx context.Context, mode Mode) error {
	if s.halt == nil {
		return errNoHalt
	}
	if err := s.halt(ctx, mode); err != nil {
		return fmt.Errorf("halt the server (%s): %w", mode, err)
	}
	return nil
}

// Resume starts a server again that was halted. It returns when the server
// answers, or an error when it has not done so for a minute.
func (s *Server) Resume(ctx context.Context) error {
	if s.resume == nil {
		return errNoHalt
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.resume(); err != nil {
		return fmt.Errorf("resume the server: %w", err)
	}
	return waitReady(ctx, s.URL, nil)
}
