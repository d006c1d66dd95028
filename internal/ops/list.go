package ops

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	listSize   = 50     // contacts on a page
	windowSize = 20_000 // contacts that one statement looks through

	// MostShown is up to where people are told a number: more is many.
	MostShown = 10_000

	listPatience  = 2 * time.Second // for finding a page
	indexPatience = time.Second     // for what an index should answer at once
)

// Filter says which contacts are wanted; its zero value wants all.
type Filter struct {
	Status string // one of hubspot_processing_status, else of hubspot_sync_status
	Code   string
	Text   string // an id, a whole email, or a part of an email, a name or a HubSpot id
	Hidden bool   // emails are hidden: they are found whole alone, not by their parts
}

// Cursor is a place in a list: after the contact with this id, or before it.
type Cursor struct {
	ID   string
	Back bool
}

// Row is a contact on a list.
type Row struct {
	ID, Email, Name            string
	SyncStatus, Status         string
	Code, Error                string
	RemoteID                   string
	Tries                      int // failed attempts since it was queued
	NextTry, SyncedAt, Updated *time.Time
}

// Page is a part of a list, in the order of the ids.
type Page struct {
	Rows    []Row
	Before  string // where the page before it ends; empty for none
	After   string // where the page after it begins; empty for none
	Count   int64  // of the whole list, up to MostShown + 1; -1 when not counted
	Cut     bool   // the search took too long: more may be found beyond
	Skimmed int    // contacts that were looked through without an index
}

//go:embed list.sql
var listSQL string

//go:embed list_window.sql
var listWindowSQL string

//go:embed list_end.sql
var listEndSQL string

//go:embed list_count.sql
var listCountSQL string

// queueStatuses are those of hubspot_processing_status that have an index each.
var queueStatuses = []string{"Queued", "Processing", "Error"}

// lastID comes after every contact's id, as FirstID comes before.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// List answers a page of contacts. It looks where an index leads; where none
// does, it looks through so many contacts as it can in two seconds, and says so:
// a search never becomes a load.
func (d *Desk) List(ctx context.Context, f Filter, at Cursor) (Page, error) {
	s := &search{desk: d, Filter: f, Cursor: at, began: time.Now(), page: Page{Count: -1}}
	if s.ID == "" {
		s.ID = FirstID
		if s.Back {
			s.ID = lastID
		}
	}
	if err := s.run(ctx); err != nil {
		return Page{}, fmt.Errorf("list contacts: %w", err)
	}
	s.finish(at.ID)
	if f.Text == "" && slices.Contains(queueStatuses, f.Status) {
		s.page.Count = d.countList(ctx, f)
	}
	return s.page, nil
}

// search is the state of one List.
type search struct {
	desk *Desk
	Filter
	Cursor
	began time.Time
	page  Page
	more  bool // there is more beyond the page
}

func (s *search) run(ctx context.Context) error {
	text := strings.TrimSpace(s.Text)
	switch {
	case uuid.MatchString(text):
		return s.direct(ctx, listPatience, text, "", "")
	case strings.Contains(text, "@"):
		// An app's own index may know the email; a part of one no index knows.
		err := s.direct(ctx, indexPatience, nil, text, "")
		if len(s.page.Rows) > 0 || err != nil && !isTimeout(err) || s.Hidden {
			return err
		}
	case text == "" && (s.Status == "" && s.Code == "" || slices.Contains(queueStatuses, s.Status)),
		text != "" && slices.Contains(queueStatuses, s.Status):
		err := s.direct(ctx, indexPatience, nil, "", text)
		if !isTimeout(err) {
			return err
		}
	}
	return s.windows(ctx, text)
}

// direct leaves it to the planner how to find the page.
func (s *search) direct(ctx context.Context, patience time.Duration, id any, email, text string) error {
	return s.desk.look(ctx, patience, func(tx pgx.Tx) error {
		return s.take(ctx, tx, s.directed(listSQL), s.args(id, email, text)...)
	})
}

// windows looks through the contacts, so many at a time.
func (s *search) windows(ctx context.Context, text string) error {
	sql := s.directed(strings.Replace(listSQL, "FROM contacts c", "FROM (\n"+listWindowSQL+") c", 1))
	for len(s.page.Rows) <= listSize {
		end := ""
		err := s.desk.look(ctx, listPatience, func(tx pgx.Tx) error {
			args := append(s.args(nil, "", text), windowSize)
			if err := s.take(ctx, tx, sql, args...); err != nil {
				return err
			}
			err := tx.QueryRow(ctx, s.directed(listEndSQL), s.ID, windowSize).Scan(&end)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			return err
		})
		if isTimeout(err) {
			s.page.Cut = true
			return nil
		}
		if err != nil || end == "" || len(s.page.Rows) > listSize {
			return err
		}
		s.ID, s.more = end, true
		s.page.Skimmed += windowSize
		if time.Since(s.began) > listPatience {
			s.page.Cut = true
			return nil
		}
		s.more = false
	}
	return nil
}

// directed turns a statement round where the way is back.
func (s *search) directed(sql string) string {
	if s.Back {
		return strings.NewReplacer("id > $1", "id < $1", "ORDER BY c.id", "ORDER BY c.id DESC").Replace(sql)
	}
	return sql
}

func (s *search) args(id any, email, text string) []any {
	var processing, sync any
	switch s.Status {
	case "":
	case "Queued", "Processing", "Error", "Complete":
		processing = s.Status
	default:
		sync = s.Status
	}
	return []any{s.ID, processing, sync, s.Code, id, email, text, !s.Hidden, listSize + 1 - len(s.page.Rows)}
}

func (s *search) take(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Row])
	s.page.Rows = append(s.page.Rows, found...)
	return err
}

// finish puts the rows into the order of the ids and says where it goes on.
func (s *search) finish(from string) {
	p := &s.page
	beyond := ""
	if len(p.Rows) > listSize {
		p.Rows = p.Rows[:listSize]
		beyond = p.Rows[listSize-1].ID
	} else if s.more {
		beyond = s.ID // as far as was looked
	}
	back := ""
	if from != "" {
		back = from
		if len(p.Rows) > 0 {
			back = p.Rows[0].ID
		}
	}
	p.Before, p.After = back, beyond
	if s.Back {
		slices.Reverse(p.Rows)
		p.Before, p.After = beyond, back
	}
}

// countList counts up to the bound; -1 where that takes too long.
func (d *Desk) countList(ctx context.Context, f Filter) (n int64) {
	err := d.look(ctx, indexPatience, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, listCountSQL, f.Status, f.Code, MostShown+1).Scan(&n)
	})
	if err != nil {
		return -1
	}
	return n
}

// isTimeout says that the server cut a statement.
func isTimeout(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "57014"
}
