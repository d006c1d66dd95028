package demo

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/lab/process"
)

// team is the replicas: processes of the real program.
type team struct {
	program string
	env     []string
	screen  *screen

	mu      sync.Mutex
	members []*member
	leader  *member
	changed chan struct{} // closed when another one leads
	cycles  int
}

// member is one replica.
type member struct {
	number  int
	process *process.Process
	team    *team
	since   time.Time // when it began to lead
}

func newTeam(program string, env []string, screen *screen) *team {
	return &team{program: program, env: env, screen: screen, changed: make(chan struct{})}
}

// hire starts one more replica, whose end the group waits for.
func (t *team) hire(ctx context.Context, group *errgroup.Group) error {
	m := &member{number: len(t.members) + 1, team: t}
	var err error
	m.process, err = process.Start(process.Options{Program: t.program, Env: t.env, Tell: m.tell})
	if err != nil {
		return err
	}
	t.members = append(t.members, m)
	t.screen.note("Replica %d started (process %d).", m.number, m.process.Pid())
	group.Go(func() error { return m.process.End(context.WithoutCancel(ctx)) })
	return nil
}

// tell shows what a line of the log means.
func (m *member) tell(entry process.Record) {
	switch entry.Msg() {
	case process.Leading:
		m.team.lead(m, entry)
	case process.Settled:
		m.team.mu.Lock()
		m.team.cycles++
		m.team.mu.Unlock()
		m.team.screen.line(styleNormal, "replica %d  cycle of %v: %v synced, %v to retry, %v failed", m.number,
			entry["contacts"], entry["synced"], entry["retried"], entry["failed"])
	case "Contact synced successfully to HubSpot":
		m.team.screen.line(styleGood, "replica %d  ✓ %v is HubSpot contact %v", m.number, entry["email"], entry["hubspot_id"])
	default:
		if entry["level"] == "WARN" || entry["level"] == "ERROR" {
			m.team.screen.line(styleBad, "replica %d  %v %v", m.number, entry["msg"], entry["error"])
		}
	}
}

func (t *team) lead(m *member, entry process.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.since = time.Now()
	if at := entry.Time(); !at.IsZero() {
		m.since = at
	}
	t.leader = m
	close(t.changed)
	t.changed = make(chan struct{})
	t.screen.line(styleAct, "replica %d leads, the others wait in the lock's queue", m.number)
}

func (m *member) leadingSince() time.Time {
	m.team.mu.Lock()
	defer m.team.mu.Unlock()
	return m.since
}

// awaitLeader waits until another replica than not leads.
func (t *team) awaitLeader(ctx context.Context, not *member) (*member, error) {
	for {
		t.mu.Lock()
		leader, changed := t.leader, t.changed
		t.mu.Unlock()
		if leader != nil && leader != not {
			return leader, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// dismiss asks every replica to stop. The errgroup waits for them.
func (t *team) dismiss() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, m := range t.members {
		errs = append(errs, m.process.Terminate())
	}
	return errors.Join(errs...)
}
