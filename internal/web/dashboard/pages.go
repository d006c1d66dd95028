package dashboard

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/printable"
)

//go:embed pages
var pageFiles embed.FS

// pages are the templates: each page with the layout around it.
type pages struct{ byName map[string]*template.Template }

func newPages(d *Dashboard, files assets) (*pages, error) {
	shared, err := template.New("").Funcs(d.funcs(files)).ParseFS(pageFiles, "pages/shared/*.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	p := &pages{byName: map[string]*template.Template{}}
	for _, name := range names {
		t, err := shared.Clone()
		if err == nil {
			t, err = t.ParseFS(pageFiles, name)
		}
		if err != nil {
			return nil, err
		}
		p.byName[strings.TrimSuffix(strings.TrimPrefix(name, "pages/"), ".html")] = t
	}
	return p, nil
}

// render executes one template of a page.
func (p *pages) render(page, part string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := p.byName[page].ExecuteTemplate(&out, part, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", page, err)
	}
	return []byte(printable.Layout(out.String())), nil // a browser obeys what turns text around, as a terminal does
}

// view is what a page shows.
type view struct {
	Page  string // its template
	Title string
	Nav   string // the entry of the menu that it belongs to
	Data  any
	Every int // seconds after which a browser without JavaScript asks again; 0: never

	status int
	seen   *queueState // nil: the database does not respond, or was not asked
}

// frame is a view with what every page has around it.
type frame struct {
	view
	Who, Instance, Version string
	ReadOnly, Disabled     bool
	Flash                  string
	State                  *queueState // nil where the database does not respond
	Beat                   string      // the value of the event beat when the page was made
}

// errNoPage is the error of an address without a page.
var errNoPage = errors.New("no such page")

// page returns a handler that shows what find returns.
func (d *Dashboard) page(find func(r *http.Request) (view, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
		defer cancel()
		// Read before the rest, so that a change in between is noticed.
		seen, _ := d.queueState() //nolint:contextcheck // as in refresh; without it the page shows less
		v, err := find(r.WithContext(ctx))
		if err != nil {
			v = d.trouble(ctx, err)
		}
		v.seen = seen
		d.show(w, r, v)
	})
}

// show writes a page. One that was asked for by the script of another, to be
// swapped in, leaves the flash to the page that a person opens.
func (d *Dashboard) show(w http.ResponseWriter, r *http.Request, v view) {
	f := frame{
		view: v, Who: who(r), Instance: d.Instance, Version: d.Version,
		ReadOnly: d.ReadOnly, Disabled: d.Disabled,
	}
	if v.seen != nil {
		f.State, f.Beat = v.seen, beatOf(v.seen)
	}
	if r.Header.Get("Contactsync-Swap") == "" {
		f.Flash = d.takeFlash(w, r)
	}
	body, err := d.pages.render(v.Page, "layout", f)
	if err != nil {
		d.Log.ErrorContext(r.Context(), "dashboard: cannot render page", "error", err)
		http.Error(w, "cannot render this page; see the log for the reason", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.status == http.StatusServiceUnavailable {
		w.Header().Set("Refresh", "5") // it may be over by then
	}
	if v.status != 0 {
		w.WriteHeader(v.status)
	}
	_, _ = w.Write(body) // whoever asked has gone
}

// message is a page that shows only a text.
type message struct {
	Head, Text string
	Do         []string // what to do about it
}

// trouble returns the page for an error. The database's own words go to the log alone.
func (d *Dashboard) trouble(ctx context.Context, err error) view {
	say := func(status int, head, text string, do ...string) view {
		return view{Page: "message", Title: head, status: status, Data: message{head, text, do}}
	}
	refused, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case errors.Is(err, errNoPage):
		return say(http.StatusNotFound, "There is no such page", "The address may be mistyped, or of an older version.")
	case errors.Is(err, ops.ErrNoContact):
		return say(http.StatusNotFound, "There is no such contact", "No row of contacts has this id. It may have been deleted.")
	case errors.Is(err, errBadForm):
		return say(http.StatusBadRequest, "That cannot be done", err.Error())
	}
	d.Log.WarnContext(ctx, "dashboard: database query failed", "error", err)
	switch {
	case answered && refused.Code == "57014":
		return say(http.StatusServiceUnavailable, "The database took too long",
			"The query was stopped, so that it disturbs nobody.", "Try again, or look for less.")
	case answered && (refused.Code == "42P01" || refused.Code == "42703" || refused.Code == "3F000"):
		return say(http.StatusServiceUnavailable, "The schema is not that of this version",
			"A table or a column is missing.", "Run `contactsync migrate up`.")
	case answered && refused.Code == "42501":
		return say(http.StatusServiceUnavailable, "The database does not allow this",
			"The role of DATABASE_URL lacks a right.", "As the owner of contacts run `contactsync migrate grant ROLE`.")
	}
	return say(http.StatusServiceUnavailable, "The database cannot be reached",
		"This process tries again by itself; nothing is lost meanwhile: contacts stay queued in the database.",
		"See whether the database runs, and whether DATABASE_URL leads to it.",
		"`contactsync doctor` tries the way there step by step; the log of this process has the database's own words.")
}

// refuse writes the page for somebody who may not come in.
func (d *Dashboard) refuse(w http.ResponseWriter, r *http.Request, status int) {
	v := view{Page: "message", status: status}
	switch status {
	case http.StatusForbidden:
		v.Title = "Access denied: not a local request"
		v.Data = message{"Access denied: not a local request", "Without a password the dashboard answers only at the machine that it runs on, asked as localhost and by no proxy.", []string{
			"Set DASHBOARD_PASSWORD and restart. Any user name will do; it is recorded with what you do.",
			"Or come from that machine, for example by `ssh -L 8080:127.0.0.1:8080 HOST`, and open http://127.0.0.1:8080/.",
		}}
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "2")
		w.Header().Set("Refresh", "2") // a browser tries again by itself
		v.Title = "Too many wrong passwords"
		v.Data = message{
			"Too many wrong passwords", "Somebody guesses, so yours could not be tried yet. Whoever was let in here before is not held up.",
			[]string{"This page tries again by itself, every two seconds. `contactsync status` works meanwhile."},
		}
	default:
		w.Header().Set("WWW-Authenticate", `Basic realm="contactsync", charset="UTF-8"`)
		v.Title = "Password required"
		v.Data = message{"Password required", "It is the value of DASHBOARD_PASSWORD. Any user name will do; it is recorded with what you do.", nil}
	}
	d.show(w, r, v)
}
