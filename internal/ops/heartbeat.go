package ops

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Every is how often a process writes itself down.
const Every = 15 * time.Second

// unproven is how long after the beginning of leading it means nothing yet that no
// notification was heard: two heartbeats.
const unproven = 10 * time.Second

// Heartbeat has a process write itself down for a destination, so that a person sees which ones there
// are, of which version, and what they do. It says nothing about who may lead: the
// advisory locks do. It uses the connections that a process has anyway, and whatever
// goes wrong here must neither end leading nor waiting. It is safe for concurrent use.
type Heartbeat struct {
	process     Process
	destination string
	log         *slog.Logger
	started     time.Time

	mu      sync.Mutex
	account string   // that the key belongs to; empty while that is not known
	leads   *Leading // nil for a follower
	since   time.Time
	told    any // whether notifications arrive, as written last
	written time.Time
	gone    bool
}

// Leading is what only a leader can tell.
type Leading struct {
	Slot   int
	Proven func() bool               // whether notifications are known to arrive
	Limits func() destination.Limits // what the destination said last
}

// Process is a process and what it should have in common with the others.
type Process struct {
	Instance, Version    string
	BatchSize, Instances int // the settings
}

// NewHeartbeat returns that of a process that began just now.
func NewHeartbeat(of Process, to destination.Info, log *slog.Logger) *Heartbeat {
	return &Heartbeat{process: of, destination: to.Name, log: log, started: time.Now()}
}

// SetAccount notes whose account the key is of. The nil Heartbeat of a command does
// nothing.
func (h *Heartbeat) SetAccount(id string) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.account != id {
		h.account, h.written = id, time.Time{}
	}
}

// SetLeader makes it a leader, and nil a follower again. The next Beat is due at once.
func (h *Heartbeat) SetLeader(as *Leading) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leads, h.since, h.written = as, time.Now(), time.Time{}
}

// Beat writes the process down when that is due: every 15 s, and when its role or
// what it hears has changed.
func (h *Heartbeat) Beat(ctx context.Context, conn *pgx.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone || time.Since(h.written) < Every && h.hears() == h.told {
		return
	}
	h.told, h.written = h.hears(), time.Now() // a try that fails is not repeated sooner
	h.write(ctx, conn, "beat", h.values())
}

// Remove takes the process out of the list, at its orderly end.
func (h *Heartbeat) Remove(ctx context.Context, conn *pgx.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = true // a heartbeat that comes later must not bring it back
	h.write(ctx, conn, "remove", pgx.NamedArgs{"instance": h.process.Instance, "destination": h.destination})
}

func (h *Heartbeat) values() pgx.NamedArgs {
	values := pgx.NamedArgs{
		"instance": h.process.Instance, "destination": h.destination, "version": h.process.Version,
		"batch_size": h.process.BatchSize, "instances": h.process.Instances, "account": h.account, "role": RoleFollower, "slot": nil, "runs": time.Since(h.started).Seconds(), "listener": h.told,
		"rate_max": nil, "rate_left": nil, "rate_age": nil, "daily_max": nil, "daily_left": nil, "daily_age": nil,
	}
	if h.leads != nil {
		values["role"], values["slot"] = RoleLeader, h.leads.Slot
		l := h.leads.Limits()
		values["rate_max"], values["rate_left"], values["rate_age"] = known(l.Rate.Max), known(l.Rate.Left), age(l.Rate.At)
		values["daily_max"], values["daily_left"], values["daily_age"] = known(l.Daily.Max), known(l.Daily.Left), age(l.Daily.At)
	}
	return values
}

// hears says whether notifications arrive, nil while that is not known.
func (h *Heartbeat) hears() any {
	if h.leads == nil {
		return nil
	}
	proven := h.leads.Proven()
	if !proven && time.Since(h.since) < unproven {
		return nil
	}
	return proven
}

// heartbeats are the statements of a process. No text in them depends on a table or a
// destination.
var heartbeats = written()

// write sends both statements as one text, which is one transaction. Preparing
// the second one would wait for its table's lock before the first one has run.
func (h *Heartbeat) write(ctx context.Context, conn *pgx.Conn, name string, values pgx.NamedArgs) {
	st := statement.Target{}.Statement(heartbeats["modest"] + ";\n" + heartbeats[name])
	args := append([]any{pgx.QueryExecModeSimpleProtocol}, st.Args(values)...)
	if _, err := conn.Exec(ctx, st.SQL, args...); err != nil { // a standby refuses it, say
		h.log.DebugContext(ctx, "the list of replicas could not be written", "error", err)
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
