package app

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/web"
)

// serve answers health checks, scrapes and the dashboard until ctx ends. Each
// reaches the database through a pool of its own, which is open only while somebody
// asks: a slow page makes no process look unready.
func (a *App) serve(ctx context.Context, listener net.Listener) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	site := web.Site{State: a.state, Metrics: a.metrics.Handler(), MetricsToken: a.cfg.HTTP.MetricsToken.Reveal()}
	pages, err := database.NewPool(ctx, a.cfg.Database.URL.Reveal(), a.instance, dashboardConns)
	if err != nil {
		return err
	}
	defer pages.Close()
	if !a.disabled() {
		pool, err := database.NewPool(ctx, a.cfg.Database.URL.Reveal(), a.instance, 1)
		if err != nil {
			return err
		}
		defer pool.Close()
		site.Ping = pool.Ping
	}
	board, err := a.newDashboard(ctx, pages)
	if err != nil {
		return err
	}
	site.Dashboard = board
	var watching sync.WaitGroup
	watching.Go(board.Run)
	defer watching.Wait()
	defer end()
	return web.Serve(ctx, listener, web.Handler(site), a.log)
}

// state returns what this process does now. It is a leader where it leads for one
// destination at least.
func (a *App) state() web.State {
	if a.disabled() {
		return web.State{Role: "disabled", Reason: a.shown[0].info.Setting + " is not configured"}
	}
	role := "follower"
	var reasons []string
	for _, w := range a.workers {
		reason := "waits for a slot"
		if s := w.session.Load(); s != nil {
			role, reason = "leader", fmt.Sprintf("leads slot %d", s.Slot())
		}
		if len(a.workers) > 1 {
			reason = w.info.Name + ": " + reason
		}
		reasons = append(reasons, reason)
	}
	return web.State{Role: role, Reason: strings.Join(reasons, ", ")}
}
