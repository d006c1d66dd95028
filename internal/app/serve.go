package app

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/web"
)

// serve answers health checks, scrapes and the dashboard. Each reaches the database
// through a pool of its own, which is open only while somebody asks: a slow page
// makes no process look unready.
func (w *worker) serve(ctx context.Context, listener net.Listener) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	site := web.Site{State: w.state, Metrics: w.metrics.Handler()}
	pages, err := database.NewPool(ctx, w.cfg.Database.URL.Reveal(), w.instance, dashboardConns)
	if err != nil {
		return err
	}
	defer pages.Close()
	if !w.cfg.HubSpot.APIKey.IsZero() {
		pool, err := database.NewPool(ctx, w.cfg.Database.URL.Reveal(), w.instance, 1)
		if err != nil {
			return err
		}
		defer pool.Close()
		site.Ping = pool.Ping
	}
	board, err := w.newDashboard(ctx, pages)
	if err != nil {
		return err
	}
	site.Dashboard = board
	var looking sync.WaitGroup
	looking.Go(board.Run)
	defer looking.Wait()
	defer end()
	return web.Serve(ctx, listener, web.Handler(site), w.log)
}

// state says what this process does now.
func (w *worker) state() web.State {
	switch s := w.session.Load(); {
	case w.cfg.HubSpot.APIKey.IsZero():
		return web.State{Role: "disabled", Reason: "HUBSPOT_API_KEY is not configured"}
	case s != nil:
		return web.State{Role: "leader", Reason: fmt.Sprintf("leads slot %d", s.Slot())}
	default:
		return web.State{Role: "follower", Reason: "waits for a slot"}
	}
}
