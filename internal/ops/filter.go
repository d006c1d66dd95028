package ops

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/statement"
)

// The statuses of the queue, as the column of the destination has them. Each of the
// first three has an index of its own.
const (
	StatusQueued     = "Queued"
	StatusProcessing = "Processing"
	StatusError      = "Error"
	StatusComplete   = "Complete"
)

// Filter says which contacts are wanted: those that meet all of it. Its zero value
// wants every contact.
type Filter struct {
	Status   string   // in the queue
	Except   []string // statuses that they must not have in the queue
	Mirror   string   // what a person decided: New, Selected, Skipped, or the queue's, mirrored
	Code     string   // of their last failure
	IDs      []string // one of these; nil: any
	Sendable bool     // they have an email, and nobody has skipped them

	Text   string // an id, a whole email, or a part of an email, a name or a remote id; for List alone
	Hidden bool   // emails are hidden: Text finds them whole alone, not by their parts
}

// args are the values of the select statement for a page of it. email and text are
// what a search looks for, once it is known what its text is.
func (f Filter) args(after, email, text string, most any) pgx.NamedArgs {
	return pgx.NamedArgs{
		"after": textOrNull(after), "status": textOrNull(f.Status), "mirror": textOrNull(f.Mirror), "code": f.Code,
		"ids": f.IDs, "except": f.Except, "sendable": f.Sendable,
		"email": email, "text": text, "in_emails": !f.Hidden, "most": most,
	}
}

func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// addForms adds the forms of the selection to its statement, so that what a filter
// means is written once.
func addForms(set statement.Set) {
	back := strings.NewReplacer("c.id > @after", "c.id < @after", "ORDER BY c.id", "ORDER BY c.id DESC")
	windowed := strings.Replace(set["select"], "FROM contacts c", "FROM (\n"+set["window"]+") c", 1)
	unordered, _, _ := strings.Cut(set["select"], " ORDER BY c.id")

	set["count"] = "SELECT count(*) FROM (\n" + unordered + " LIMIT @most::bigint) AS counted"
	set["select_back"] = back.Replace(set["select"])
	set["select_window"] = windowed
	set["select_window_back"] = back.Replace(windowed)
	set["window_end_back"] = back.Replace(set["window_end"])
	delete(set, "window") // a piece
}

// Select returns the ids of the next n contacts after an id, in the order of the ids;
// an empty id is before the first. Text does not count.
func (s *Store) Select(ctx context.Context, f Filter, after string, n int) ([]string, error) {
	ids, err := s.texts(ctx, s.pool, "select", f.args(after, "", "", n))
	if err != nil {
		return nil, fmt.Errorf("select contacts: %w", err)
	}
	return ids, nil
}

// Count returns how many contacts there are after an id. Text does not count.
func (s *Store) Count(ctx context.Context, f Filter, after string) (n int, err error) {
	if err := s.one(ctx, s.pool, "count", f.args(after, "", "", nil), &n); err != nil {
		return 0, fmt.Errorf("count contacts: %w", err)
	}
	return n, nil
}

// pageSize is how many rows one statement touches, so that no lock is held for
// long and progress can be shown.
const pageSize = 1000

// Each calls work with page after page of the ids that a filter wants, by their order,
// so that a million rows need no long transaction and rows that change meanwhile
// are not met twice.
func (s *Store) Each(ctx context.Context, f Filter, work func(ids []string) error) error {
	after := ""
	for {
		ids, err := s.Select(ctx, f, after, pageSize)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := work(ids); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// NextInQueue returns the ids of at most n contacts in the queue, in the order in
// which they would be claimed.
func (s *Store) NextInQueue(ctx context.Context, n int) ([]string, error) {
	ids, err := s.texts(ctx, s.pool, "next_in_queue", pgx.NamedArgs{"most": n})
	if err != nil {
		return nil, fmt.Errorf("look into the queue: %w", err)
	}
	return ids, nil
}

// AnyDue reports whether contacts are due that nobody works on yet.
func (s *Store) AnyDue(ctx context.Context) (due bool, err error) {
	if err := s.one(ctx, s.pool, "any_due", nil, &due); err != nil {
		return false, fmt.Errorf("look into the queue: %w", err)
	}
	return due, nil
}

// Contact is a contact as people name it.
type Contact struct {
	ID    string
	Email string // trimmed and folded
}

// Find returns the contacts that have one of the emails, trimmed and folded.
func (s *Store) Find(ctx context.Context, emails []string) ([]Contact, error) {
	found, err := collect[Contact](ctx, s, s.pool, "find", pgx.NamedArgs{"emails": emails})
	if err != nil {
		return nil, fmt.Errorf("find contacts: %w", err)
	}
	return found, nil
}
