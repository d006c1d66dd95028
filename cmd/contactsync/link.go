package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/metrics"
	"github.com/scrapersky/contactsync/internal/queue"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/schema"
	"github.com/scrapersky/contactsync/internal/tracing"
)

// destination names HubSpot's claims, slots and cycles in the database.
const destination = "hubspot"

// slotPatience is how long a command waits for a slot that others hold.
const slotPatience = 5 * time.Second

// link is what everything that sends contacts has in common: the way to the
// database past any pooler, and the way to HubSpot while a slot is held.
type link struct {
	cfg      config.Config
	log      *slog.Logger
	instance string
	further  columns.List // the mapped columns, once the schema was checked

	session atomic.Pointer[leader.Session] // while this process holds a slot
	queue   atomic.Pointer[queue.Queue]    // the slot's
	gauge   *hubspot.Gauge                 // under the client
	metrics *metrics.Metrics               // of a process; nil for a command
	traces  *tracing.Tracing               // nil: none are kept
}

// connect opens a connection of a worker's.
func (l *link) connect(ctx context.Context) (*pgx.Conn, error) {
	return database.Connect(ctx, l.cfg.Database.DirectURL.Reveal(), l.instance)
}

// client speaks to HubSpot while this process holds a slot, and not a moment
// longer.
func (l *link) client() (*hubspot.Client, error) {
	fresh := func() error {
		s, q := l.session.Load(), l.queue.Load()
		if s == nil || q == nil {
			return leader.ErrLeaseLost
		}
		if err := s.Fresh(); err != nil {
			return err
		}
		return q.Fresh()
	}
	return newHubSpotClient(l.cfg.HubSpot, l.further, l.cfg.Sync.MaxInstances, l.log, func(base http.RoundTripper) http.RoundTripper {
		l.gauge = hubspot.NewGauge(l.counted(base))
		return leader.Transport(l.gauge, fresh)
	})
}

// queueOf is the queue of a slot.
func (l *link) queueOf(s *leader.Session) *queue.Queue {
	q := queue.New(s, queue.Options{
		Destination: destination, Instance: l.instance, Slot: s.Slot(), Slots: l.cfg.Sync.MaxInstances,
		MaxRetries: l.cfg.Sync.MaxRetries, RetryDelay: l.cfg.Sync.RetryDelay,
		Exponential: l.cfg.Sync.RetryExponential, Doubt: l.cfg.HubSpot.Timeout,
		Traced:  l.traces != nil,
		Further: l.cfg.HubSpot.Properties.Map.Columns(), Remember: l.cfg.HubSpot.SkipUnchanged,
	})
	l.queue.Store(q)
	return q
}

// checkSchema waits for the database and refuses one that is not migrated, or has
// not the columns that are mapped. A connection that is lost meanwhile is waited
// for like one that cannot be had.
func (l *link) checkSchema(ctx context.Context) error {
	refusal, err := connectWithBackoff(ctx, l.log, func(ctx context.Context) (refusal, err error) {
		conn, err := l.connect(ctx)
		if err != nil {
			return nil, err
		}
		defer database.Close(ctx, conn)
		if err = l.checkSchemaOn(ctx, conn); err != nil && (conn.IsClosed() || passing(err)) {
			return nil, err
		}
		return err, nil
	})
	if err == nil {
		err = refusal
	}
	return mapError(err)
}

func (l *link) checkSchemaOn(ctx context.Context, conn *pgx.Conn) error {
	err := schema.Check(ctx, conn, schemaOptions(l.cfg.Database.Contacts))
	if stale, ok := errors.AsType[*schema.StaleTriggersError](err); ok {
		l.log.WarnContext(ctx, "The triggers are not those of this version", "error", stale)
		err = nil
	}
	if err == nil {
		l.further, err = columns.Find(ctx, conn, l.cfg.HubSpot.Properties.Map.Columns())
	}
	return err
}

// leadOnce holds a slot one time. It does not wait long for one that others hold
// and answers busy then, or why it could not even wait.
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
	cfg.Away = func(err error) { away = err }
	err := leader.Campaign(waiting, hard, cfg, func(ctx context.Context, s *leader.Session) error {
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

// instanceName tells this process from the others, for people.
func instanceName() string {
	host := os.Getenv("RENDER_INSTANCE_ID")
	if host == "" {
		host, _ = os.Hostname()
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}
