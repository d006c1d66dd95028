package ops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
)

const (
	listSize   = 50     // contacts on a page
	windowSize = 20_000 // contacts that one statement looks through

	listLimit  = 2 * time.Second // for finding a page
	indexLimit = time.Second     // for what an index should find at once
)

// Cursor is a place in a list: after the contact with this id, or before it. Without
// an id it is the beginning, or the end.
type Cursor struct {
	ID   string
	Back bool
}

// Page is a part of a list, in the order of the ids.
type Page struct {
	Rows    []ContactDetail
	Before  string // where the page before it ends; empty for none
	After   string // where the page after it begins; empty for none
	Count   int64  // of the whole list, up to MostShown + 1; -1 when not counted
	Cut     bool   // the search took too long: more may be found beyond
	Skimmed int    // contacts that were looked through without an index
}

// List returns a page of contacts. It looks where an index leads; where none
// does, it looks through so many contacts as it can in two seconds, and says so:
// a search never becomes a load.
func (s *Store) List(ctx context.Context, f Filter, at Cursor) (Page, error) {
	l := &search{store: s, Filter: f, Cursor: at, began: time.Now(), page: Page{Count: -1}}
	err := l.run(ctx)
	if err == nil {
		l.finish(at.ID)
		err = s.read(ctx, listLimit, func(tx pgx.Tx) (err error) {
			l.page.Rows, err = s.details(ctx, tx, l.ids)
			return err
		})
	}
	if err != nil {
		return Page{}, fmt.Errorf("list contacts: %w", err)
	}
	if f.Text == "" && l.indexed() {
		l.page.Count = s.countShown(ctx, f)
	}
	return l.page, nil
}

// search is the state of one List.
type search struct {
	store *Store
	Filter
	Cursor
	began time.Time
	page  Page
	ids   []string // that were found, in the direction of the search; one more than a page
	more  bool     // there is more beyond the page
}

// indexed reports whether an index of the queue leads to the contacts.
func (l *search) indexed() bool {
	return slices.Contains([]string{StatusQueued, StatusProcessing, StatusError}, l.Status)
}

func (l *search) run(ctx context.Context) error {
	text := strings.TrimSpace(l.Text)
	as, err := l.store.IDs(ctx)
	if err != nil {
		return err
	}
	if id, is := as.Parse(text); is {
		one := l.Filter
		one.IDs = []string{id}
		err := l.direct(ctx, listLimit, one, "", "")
		if err != nil || len(l.ids) > 0 || as == "uuid" { // which nothing else looks like
			return err
		}
	}
	switch {
	case strings.Contains(text, "@"):
		// An app's own index may know the email; a part of one no index knows.
		err := l.direct(ctx, indexLimit, l.Filter, text, "")
		if len(l.ids) > 0 || err != nil && !database.TimedOut(err) || l.Hidden {
			return err
		}
	case text == "" && l.Status == "" && l.Mirror == "" && l.Code == "", l.indexed():
		err := l.direct(ctx, indexLimit, l.Filter, "", text)
		if !database.TimedOut(err) {
			return err
		}
	}
	return l.windows(ctx, text)
}

// direct leaves it to the planner how to find the page.
func (l *search) direct(ctx context.Context, limit time.Duration, f Filter, email, text string) error {
	return l.store.read(ctx, limit, func(tx pgx.Tx) error {
		return l.take(ctx, tx, "select", f.args(l.ID, email, text, l.wanted()))
	})
}

// windows looks through the contacts, so many at a time.
func (l *search) windows(ctx context.Context, text string) error {
	for len(l.ids) <= listSize {
		end := ""
		err := l.store.read(ctx, listLimit, func(tx pgx.Tx) error {
			values := l.args(l.ID, "", text, l.wanted())
			values["window"] = windowSize
			if err := l.take(ctx, tx, "select_window", values); err != nil {
				return err
			}
			ends, err := l.store.texts(ctx, tx, l.form("window_end"), pgx.NamedArgs{"after": textOrNull(l.ID), "window": windowSize})
			if len(ends) > 0 {
				end = ends[0]
			}
			return err
		})
		if database.TimedOut(err) {
			l.page.Cut = true
			return nil
		}
		if err != nil || end == "" || len(l.ids) > listSize {
			return err
		}
		l.ID, l.more = end, true
		l.page.Skimmed += windowSize
		if time.Since(l.began) > listLimit {
			l.page.Cut = true
			return nil
		}
		l.more = false
	}
	return nil
}

// form is the name of a statement in the direction of the search.
func (l *search) form(name string) string {
	if l.Back {
		return name + "_back"
	}
	return name
}

// wanted is how many ids are still missing; one more than a page tells that there is
// another one.
func (l *search) wanted() int { return listSize + 1 - len(l.ids) }

func (l *search) take(ctx context.Context, tx pgx.Tx, name string, values pgx.NamedArgs) error {
	found, err := l.store.texts(ctx, tx, l.form(name), values)
	l.ids = append(l.ids, found...)
	return err
}

// finish says where it goes on.
func (l *search) finish(from string) {
	beyond := ""
	if len(l.ids) > listSize {
		l.ids = l.ids[:listSize]
		beyond = l.ids[listSize-1]
	} else if l.more {
		beyond = l.ID // as far as was looked
	}
	back := ""
	if from != "" {
		back = from
		if len(l.ids) > 0 {
			back = l.ids[0]
		}
	}
	l.page.Before, l.page.After = back, beyond
	if l.Back {
		l.page.Before, l.page.After = beyond, back
	}
}

// countShown counts up to the bound; -1 where that takes too long.
func (s *Store) countShown(ctx context.Context, f Filter) (n int64) {
	err := s.read(ctx, indexLimit, func(tx pgx.Tx) error {
		return s.one(ctx, tx, "count", f.args("", "", "", MostShown+1), &n)
	})
	if err != nil {
		return -1
	}
	return n
}
