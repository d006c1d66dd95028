package hubspot

import (
	"context"
	"maps"
	"slices"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Effect is what an upsert would do to a contact.
type Effect string

// The effects.
const (
	Creates Effect = "created"
	Updates Effect = "updated"
	Nothing Effect = "unchanged"
	Rejects Effect = "rejected"
	Unclear Effect = "unclear" // HubSpot did not say what it has
)

// Change is what would become of one contact.
type Change struct {
	Effect   Effect
	RemoteID string  // where HubSpot has the contact
	Fields   []Field // those that would change, by name
	Code     contact.Code
	Message  string // why it is rejected, or unclear
}

// Field is a property that would change.
type Field struct {
	Name   string `json:"name"`
	Before string `json:"before"` // empty where there is no value
	After  string `json:"after"`
}

// Preview says what Upsert would do to contacts, one Change for each in their
// order, and writes nothing. Their keys must be distinct. What HubSpot would
// think of a value cannot be known without writing it; nor does reading find an
// archived contact, which seems to be created then. The error is an *APIError,
// and no answer at all then.
func (c *Client) Preview(ctx context.Context, batch []contact.Contact) ([]Change, error) {
	s := &sending{client: c, outcomes: make([]contact.Outcome, len(batch))}
	items := s.sift(batch)
	changes := make([]Change, len(batch))
	for i, o := range s.outcomes {
		changes[i] = Change{Effect: Rejects, Code: o.Code, Message: o.Message}
	}
	for chunk := range slices.Chunk(items, maxInputs) {
		if e := c.preview(ctx, chunk, changes); e != nil {
			return nil, e
		}
	}
	return changes, nil
}

// preview reads the contacts of one request. If HubSpot refuses to read them for
// what may be some of them, they are halved until those are alone.
func (c *Client) preview(ctx context.Context, items []*item, changes []Change) *APIError {
	var names []string
	for _, m := range c.Mapped() {
		names = append(names, m.Name)
	}
	var answer batchAnswer
	e := c.ask(ctx, c.readCall(keysOf(items), names...), &answer)
	switch {
	case e == nil:
		c.compare(&answer, items, changes)
		return nil
	case !mayBeSome(e):
		return e
	case len(items) == 1:
		changes[items[0].row] = Change{Effect: Unclear, Code: e.Code, Message: "HubSpot does not read this contact: " + e.Message}
		return nil
	}
	half := len(items) / 2
	if e := c.preview(ctx, items[:half], changes); e != nil {
		return e
	}
	return c.preview(ctx, items[half:], changes)
}

// compare tells what HubSpot has from what it would be told. A contact counts
// as missing only where HubSpot names it as such, or says that some are missing
// without a name: an answer without a word about a contact says nothing.
func (c *Client) compare(a *batchAnswer, items []*item, changes []Change) {
	known := map[string]*result{}
	for i := range a.Results {
		if a.Results[i].id() == "" {
			continue
		}
		for _, address := range a.Results[i].addresses() {
			known[address] = &a.Results[i]
		}
	}
	missing, unnamed := map[string]bool{}, false
	for i := range a.Errors {
		names := a.Errors[i].Context.first("ids", "id", "emails", "email")
		unnamed = unnamed || len(names) == 0
		for _, name := range names {
			missing[fold(name)] = true
		}
	}
	for _, it := range items {
		switch r := known[it.key]; {
		case r != nil:
			changes[it.row] = c.difference(r, it.properties)
		case missing[it.key], unnamed:
			changes[it.row] = c.difference(new(result), it.properties)
			changes[it.row].Effect = Creates
		default:
			changes[it.row] = Change{
				Effect: Unclear, Code: contact.CodeNotConfirmed,
				Message: "HubSpot answered without a word about this contact",
			}
		}
	}
}

// difference is what a write would change.
func (c *Client) difference(r *result, properties map[string]string) Change {
	change, known := Change{Effect: Nothing, RemoteID: r.id()}, r.properties()
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if before := string(known[name]); !c.properties.same(name, before, properties[name]) {
			change.Fields = append(change.Fields, Field{Name: name, Before: before, After: properties[name]})
			change.Effect = Updates
		}
	}
	return change
}
