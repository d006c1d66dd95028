// Package presence has every process write itself down, so that a person sees
// which ones there are, of which version, and what they do. It says nothing about
// who may lead: the advisory locks do. It uses the connections that a process has
// anyway, and whatever goes wrong here must neither end leading nor waiting.
package ops

import (
	"context"
	_ "embed" // the statements
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/hubspot"
)

// Every is how often a process writes itself down.
const Every = 15 * time.Second

// unproven is how long after the beginning of leading it means nothing yet that no
// notification was heard: two heartbeats.
const unproven = 10 * time.Second

var (
	//go:embed modest.sql
	modestSQL string
	//go:embed note.sql
	noteSQL string
	//go:embed gone.sql
	goneSQL string
)

// The roles.
const (
	leader   = "leader"
	follower = "follower"
)

// Presence is this process in the list. It is safe for concurrent use.
type Heartbeat struct {
	instance, version string
	log               *slog.Logger
	started           time.Time

	mu      sync.Mutex
	leads   *Leading // nil for a follower
	since   time.Time
	told    any // whether notifications arrive, as written last
	written time.Time
	gone    bool
}

// Leading is what only a leader can tell.
type Leading struct {
	Slot   int
	Proven func() bool           // whether notifications are known to arrive
	Limits func() hubspot.Limits // what HubSpot said last
}

// New is a process that began just now.
func NewHeartbeat(instance, version string, log *slog.Logger) *Heartbeat {
	return &Heartbeat{instance: instance, version: version, log: log, started: time.Now()}
}

// Lead makes it a leader, and nil a follower again. The next Note is due at once.
func (p *Heartbeat) SetLeader(as *Leading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leads, p.since, p.written = as, time.Now(), time.Time{}
}

// Note writes the process down when that is due: every 15 s, and when its role or
// what it hears has changed.
func (p *Heartbeat) Beat(ctx context.Context, conn *pgx.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || time.Since(p.written) < Every && p.hears() == p.told {
		return
	}
	p.told, p.written = p.hears(), time.Now() // a try that fails is not repeated sooner
	p.write(ctx, conn, noteSQL, p.columns()...)
}

// Gone takes the process out of the list, at its orderly end.
func (p *Heartbeat) Remove(ctx context.Context, conn *pgx.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true // a heartbeat that comes later must not bring it back
	p.write(ctx, conn, goneSQL, p.instance)
}

func (p *Heartbeat) columns() []any {
	role, slot := follower, any(nil)
	var rateMax, rateLeft, rateAge, dayMax, dayLeft, dayAge any
	if p.leads != nil {
		role, slot = leader, p.leads.Slot
		l := p.leads.Limits()
		rateMax, rateLeft, rateAge = known(l.Per10s), known(l.Left10s), age(l.Said10s)
		dayMax, dayLeft, dayAge = known(l.PerDay), known(l.LeftDay), age(l.SaidDay)
	}
	return []any{
		p.instance, p.version, role, slot, time.Since(p.started).Seconds(), p.told,
		rateMax, rateLeft, rateAge, dayMax, dayLeft, dayAge,
	}
}

// hears says whether notifications arrive, nil while that is not known.
func (p *Heartbeat) hears() any {
	if p.leads == nil {
		return nil
	}
	proven := p.leads.Proven()
	if !proven && time.Since(p.since) < unproven {
		return nil
	}
	return proven
}

// write sends both statements as one text, which is one transaction. Preparing
// the second one would wait for its table's lock before the first one has run.
func (p *Heartbeat) write(ctx context.Context, conn *pgx.Conn, sql string, args ...any) {
	args = append([]any{pgx.QueryExecModeSimpleProtocol}, args...)
	if _, err := conn.Exec(ctx, modestSQL+";\n"+sql, args...); err != nil { // a standby refuses it, say
		p.log.DebugContext(ctx, "This process could not write itself down in the list of replicas", "error", err)
	}
}

func known(n int) any {
	if n < 0 {
		return nil
	}
	return n
}

func age(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return time.Since(at).Seconds()
}
