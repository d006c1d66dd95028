// Package dashboard is contactsync for people in a browser: how things stand, which
// contacts failed and why, and the buttons that repair it. It exists for somebody
// who has never seen contactsync and is woken at night because contacts are not in
// the CRM. Every page works without JavaScript; with it, pages change by themselves
// and a confirmation needs no page of its own. Nothing comes from anywhere else.
package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/ops"
)

// Options is what a Dashboard shows and who may see it.
type Options struct {
	Store *ops.Store

	// Password lets people in, whatever the user's name, which is recorded. Without
	// one the dashboard serves requests from this very machine alone.
	Password   string
	ReadOnly   bool // nobody may change anything
	HideEmails bool // as in the log

	SkipsUnchanged bool // contacts that the destination knows already are not sent again

	// Advice is, for each code, what it means and what to do.
	Advice destination.Advices

	// Draft returns what would be sent of a contact, or why nothing can be.
	Draft func(ctx context.Context, c contact.Contact) (fields []destination.Field, refused contact.Outcome, err error)

	// Account asks the destination which account the key belongs to, for links to it;
	// nil without a key.
	Account func(ctx context.Context) (destination.Account, error)

	// Checks are those of `contactsync doctor`.
	Checks func(ctx context.Context) ([]doctor.Check, error)

	Instance string
	Version  string
	Disabled bool // this process has no key: it shows, and syncs nothing
	Log      *slog.Logger
}

// Dashboard serves everything below /.
type Dashboard struct {
	Options
	life    context.Context // ends with the process: for what several requests wait for
	handler http.Handler
	pages   *pages
	seal    *seal
	live    *live
	cache   cache
	links   *links
	doctor  doctorRun
}

// queryTimeout bounds what a page may ask of the database, all in all.
const queryTimeout = 5 * time.Second

// New makes a dashboard, which lives until ctx ends: its streams end then. Run
// keeps it up to date.
func New(ctx context.Context, o Options) (*Dashboard, error) {
	files, err := newAssets()
	if err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	d := &Dashboard{Options: o, life: ctx, live: newLive(), links: &links{ask: o.Account, life: ctx}, seal: newSeal(o.Password)}
	if d.pages, err = newPages(d, files); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	d.handler = d.routes(files)
	return d, nil
}

// ServeHTTP implements [http.Handler].
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// routes is every page and button there is.
func (d *Dashboard) routes(files assets) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /events", d.events)
	mux.Handle("GET /{$}", d.page(d.overview))
	mux.Handle("GET /contacts", d.page(d.contacts))
	mux.Handle("GET /contacts/{id}", d.page(d.contact))
	mux.Handle("GET /failures", d.page(d.failures))
	mux.Handle("GET /checks", d.page(d.checks))
	mux.Handle("GET /", d.page(func(*http.Request) (view, error) { return view{}, errNoPage }))

	d.button(mux, "/contacts/{id}/{action}", d.contactAction)
	d.button(mux, "/failures/{code}/retry", d.retryCode)
	d.button(mux, "/pause", d.pause)
	d.button(mux, "/resume", d.resume)

	guard := newGatekeeper(d.Password, d.seal, d.Log, d.refuse)
	all := http.NewServeMux()
	all.HandleFunc("GET /static/{file}", files.serve) // for the page that asks who comes, too
	all.Handle("/", guard.guard(http.NewCrossOriginProtection().Handler(mux)))
	return secured(all)
}

// secured limits what a browser may do with a page: nothing but show it with its own
// style, script and pictures, in no frame.
func secured(next http.Handler) http.Handler {
	const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
