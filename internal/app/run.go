package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/web"
)

// Run is the life of the process, in the order in which it happens: it serves HTTP
// and syncs until it is asked to stop or ctx ends. What asked delivers first is an
// orderly stop; see shutdown for the second and the third.
func (a *App) Run(ctx context.Context, asked <-chan os.Signal) error {
	stop, hard, end := a.shutdown(ctx, asked)
	defer end()
	a.logSettings(ctx)
	listener, err := web.Listen(ctx, a.cfg.HTTP.Addr)
	if err != nil {
		return err
	}
	a.log.InfoContext(ctx, "serving HTTP", "addr", listener.Addr().String())

	group, running := errgroup.WithContext(stop)
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error {
		defer stopServing() // the health checks answer until everything else has ended
		return a.sync(running, hard)
	})
	group.Go(func() error { return a.serve(serving, listener) })
	group.Go(func() error { return a.alert(running) })
	if err := group.Wait(); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "stopped")
	return nil
}

// RunOnce syncs what is due now, then returns. It fails where another process leads.
func (a *App) RunOnce(ctx context.Context, asked <-chan os.Signal) error {
	stop, hard, end := a.shutdown(ctx, asked)
	defer end()
	a.logSettings(ctx)
	if a.disabled() {
		a.logDisabled(ctx)
		return fmt.Errorf("nothing can be synced without %s: set it and try again", a.shown[0].info.Setting)
	}
	a.once = true
	for _, w := range a.workers {
		w.once = true
	}
	return a.sync(stop, hard)
}

// sync has every worker lead whenever it can, until stop ends.
func (a *App) sync(stop, hard context.Context) error {
	if a.disabled() {
		a.logDisabled(stop)
		<-stop.Done()
		return nil
	}
	err := checkSchema(stop, a.log, a.schema, a.workers...)
	if stop.Err() != nil {
		return nil //nolint:nilerr // a stop is no failure
	}
	if err != nil {
		return err
	}
	if err := a.workers[0].visible.err(); err != nil && a.once {
		return err
	}
	for _, w := range a.workers { // before any works: a client that cannot be made is no reason to stop another
		if err := w.dial(); err != nil {
			return err
		}
	}
	if a.once {
		return a.syncOnce(stop, hard)
	}
	group, running := errgroup.WithContext(stop)
	for _, w := range a.workers {
		group.Go(func() error { return w.run(running, hard) })
	}
	return group.Wait()
}

// syncOnce has every worker do one round to its end, whatever becomes of another one:
// that a destination is paused, or led elsewhere, is an error here.
func (a *App) syncOnce(stop, hard context.Context) error {
	var rounds sync.WaitGroup
	errs := make([]error, len(a.workers))
	for i, w := range a.workers {
		rounds.Go(func() { errs[i] = w.run(stop, hard) })
	}
	rounds.Wait()
	return errors.Join(errs...)
}

// logSettings logs how often and how much is synced.
func (a *App) logSettings(ctx context.Context) {
	for _, d := range a.shown {
		how := d.settings(a.cfg).sync
		a.log.InfoContext(ctx, "Configuring "+d.info.Label+" sync scheduler", //nolint:sloglint // the line is that of the destination
			"interval_minutes", how.Interval.Minutes(),
			"batch_size", how.BatchSize, "max_instances", how.MaxInstances)
	}
}

// logDisabled logs that there is nothing to do.
func (a *App) logDisabled(ctx context.Context) {
	d := a.shown[0].info
	a.log.WarnContext(ctx, d.Setting+" not configured - "+d.Label+" sync scheduler DISABLED") //nolint:sloglint // the line is that of the destination
}
