package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/printable"
)

// names are the contacts that a person asks for, each by its id or its email.
type names struct {
	ids    []string
	emails []string // trimmed and folded

	typed map[string]string // what the person wrote, by id and by folded email
}

// readNames takes names apart as they are meant for a store.
func readNames(ctx context.Context, store *ops.Store, texts []string) (names, error) {
	as, err := store.IDs(ctx)
	if err != nil {
		return names{}, err
	}
	return parseNames(texts, as), nil
}

// parseNames takes what can be an id for one, and everything else for an email. Where
// ids are texts, an email is what has an @. Blank names are passed over.
func parseNames(texts []string, as ops.IDType) names {
	n := names{typed: map[string]string{}}
	for _, text := range texts {
		text = strings.TrimSpace(text)
		id, is := as.Parse(text)
		switch {
		case text == "":
		case is && !strings.Contains(text, "@"):
			n.ids = append(n.ids, id)
			n.typed[id] = text
		default:
			email := strings.ToLower(text)
			n.emails = append(n.emails, email)
			n.typed[email] = text
		}
	}
	return n
}

// find answers the ids, each once, and the emails that nobody has, as they were
// typed. From then on the ids are known by those emails, too.
func (n names) find(ctx context.Context, store *ops.Store) (ids, missing []string, err error) {
	ids = slices.Clone(n.ids) // sorted and compacted below, which n.ids must not be
	if len(n.emails) > 0 {
		found, err := store.Find(ctx, n.emails)
		if err != nil {
			return nil, nil, err
		}
		known := map[string]bool{}
		for _, c := range found {
			ids = append(ids, c.ID)
			known[c.Email] = true
			if n.typed[c.ID] == "" {
				n.typed[c.ID] = n.typed[c.Email]
			}
		}
		for _, email := range n.emails {
			if !known[email] {
				missing = append(missing, n.typed[email])
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), missing, nil
}

// left is what was typed of the ids that were not done, each once, after what was
// missing anyway.
func (n names) left(ids, done, missing []string) []string {
	left := missing
	for _, id := range ids {
		if typed := n.typed[id]; !slices.Contains(done, id) && !slices.Contains(left, typed) {
			left = append(left, typed)
		}
	}
	return left
}

// quoteAll lists names, the first few of many.
func quoteAll(texts []string) string {
	const most = 5
	var quoted []string
	for _, text := range texts[:min(most, len(texts))] {
		quoted = append(quoted, printable.Quote(text))
	}
	if more := len(texts) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(quoted, ", ")
}
