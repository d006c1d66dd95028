// Package demo shows the whole program on one terminal, without an account and
// without leaving anything behind: a throw-away Postgres, the HubSpot simulator
// and three replicas of this very binary. It plays the app that queues
// contacts, kills the leader once, and tells what happened in the order in which
// it did.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/destination"
	hubspotinfo "github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/schema"
)

const (
	replicas = 3
	key      = "demo-key"
	burst    = 25 // contacts in one commit: cycles of 10, 10 and 5

	// hubspotLatency is what the simulator takes to answer. A real portal takes
	// longer; the figures shown are about the way there.
	hubspotLatency = 20 * time.Millisecond

	trickleEvery = 700 * time.Millisecond
)

// Options says how to play.
type Options struct {
	Program string        // the contactsync binary
	For     time.Duration // how long; 0: until ctx ends
	Out     io.Writer
	Color   bool
}

// Run plays the demo until its time is over or ctx ends. It fails when a
// contact did not arrive.
func Run(ctx context.Context, opt Options) error {
	screen := newScreen(opt.Out, opt.Color)
	err := perform(ctx, opt, screen)
	if err != nil && ctx.Err() != nil && !errors.As(err, new(*lostError)) {
		screen.note("Stopped before it had begun.")
		return nil
	}
	return err
}

func perform(ctx context.Context, opt Options, screen *screen) error {
	screen.title("contactsync demo")

	postgres, err := postgres.Start(ctx, postgres.Options{
		Tell: func(text string) { screen.note("%s", text) },
	})
	if err != nil {
		return err
	}
	defer func() { _ = postgres.Stop() }()
	sim := hubspotsim.New(hubspotsim.Options{Token: key, Latency: hubspotLatency})
	api, closeAPI, err := serve(ctx, sim)
	if err != nil {
		return err
	}
	defer closeAPI()
	screen.note("Postgres: %s (%s). HubSpot: a simulator at %s.", postgres.Info, postgres.Kind, api)
	if _, err := schema.Up(ctx, postgres.URL, schema.Options{Destinations: []destination.Info{hubspotinfo.Info}, Written: hubspotinfo.Info}, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	screen.note("contactsync migrate up: the schema is in place.")

	app, err := newApp(ctx, postgres.URL, sim, screen)
	if err != nil {
		return err
	}
	defer app.close(ctx)
	team := newTeam(opt.Program, []string{
		"DATABASE_URL=" + postgres.URL, "HUBSPOT_API_KEY=" + key, "HUBSPOT_API_BASE_URL=" + api,
		"HTTP_ADDR=127.0.0.1:0", "LOG_FORMAT=json", "HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=60",
	}, screen)

	playing := ctx
	if opt.For > 0 {
		var cancel context.CancelFunc
		playing, cancel = context.WithTimeout(ctx, opt.For)
		defer cancel()
	}
	group, playing := errgroup.WithContext(playing)
	for range replicas {
		if err := team.hire(ctx, group); err != nil {
			return errors.Join(err, team.dismiss(), group.Wait())
		}
	}
	group.Go(func() error { return script(playing, app, team, screen) })
	<-playing.Done()
	screen.act("The demo ends: what is under way arrives, then the replicas are asked to stop")
	ending := context.WithoutCancel(ctx)
	app.awaitLast(ending)
	err = errors.Join(team.dismiss(), group.Wait())
	return errors.Join(err, app.summary(ending, team))
}

// script is the play: a burst, a crash, and everyday life.
func script(ctx context.Context, app *app, team *team, screen *screen) error {
	if err := play(ctx, app, team, screen); err != nil && ctx.Err() == nil {
		return err
	}
	return nil // whatever the end of the demo interrupted is no error
}

func play(ctx context.Context, app *app, team *team, screen *screen) error {
	leader, err := team.awaitLeader(ctx, nil)
	if err != nil {
		return err
	}
	screen.act(fmt.Sprintf("The app queues %d contacts in one commit", burst))
	if err := app.queue(ctx, burst); err != nil {
		return err
	}
	if err := app.awaitArrivals(ctx); err != nil {
		return err
	}
	if err := app.awaitRest(ctx); err != nil {
		return err
	}

	screen.act(fmt.Sprintf("kill -9 for the leader, replica %d; the next contact is queued at once", leader.number))
	killed := time.Now()
	if err := leader.process.Kill(ctx); err != nil {
		return err
	}
	if err := app.queue(ctx, 1); err != nil {
		return err
	}
	next, err := team.awaitLeader(ctx, leader)
	if err != nil {
		return err
	}
	app.takeover = next.leadingSince().Sub(killed)
	screen.note("Replica %d took over %s after the kill.", next.number, brief(app.takeover))
	if err := app.awaitArrivals(ctx); err != nil {
		return err
	}

	screen.act("From now on one contact at a time; Ctrl-C ends the demo")
	for {
		select {
		case <-time.After(trickleEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := app.queue(ctx, 1); err != nil {
			return err
		}
	}
}

// serve answers on a free port of the loopback address.
func serve(ctx context.Context, handler http.Handler) (url string, closeServer func(), err error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen for the simulator: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with Close, which is no error to anybody
	}()
	return "http://" + listener.Addr().String(), func() {
		_ = server.Close()
		<-served
	}, nil
}
