package portal

import (
	"context"
	"maps"
	"slices"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// Wanted is a contact as it would be sent.
type Wanted struct {
	Email  string // folded: the key
	Values map[string]string
}

// Preview returns what a sync would do to contacts, one Change for each in their
// order, and writes nothing. Their emails must be distinct. What HubSpot would
// think of a value cannot be known without writing it; nor does reading find an
// archived contact, which seems to be created then.
func Preview(ctx context.Context, c *api.Client, mapped []Mapped, wanted []Wanted) ([]destination.Change, *api.Error) {
	p := preview{client: c, mapped: make(map[string]Mapped, len(mapped))}
	for _, m := range mapped {
		p.mapped[m.Name] = m
	}
	changes := make([]destination.Change, len(wanted))
	for from := 0; from < len(wanted); from += api.MaxBatch {
		to := min(from+api.MaxBatch, len(wanted))
		if e := p.read(ctx, wanted[from:to], changes[from:to]); e != nil {
			return nil, e
		}
	}
	return changes, nil
}

type preview struct {
	client *api.Client
	mapped map[string]Mapped // by name
}

// read compares the contacts of one request. If HubSpot refuses to read them for
// what may be some of them, they are halved until those are alone.
func (p preview) read(ctx context.Context, wanted []Wanted, changes []destination.Change) *api.Error {
	emails := make([]string, len(wanted))
	for i, w := range wanted {
		emails[i] = w.Email
	}
	var answer api.BatchAnswer
	e := p.client.Call(ctx, new(api.Usage), p.client.ReadRequest(emails, slices.Sorted(maps.Keys(p.mapped))...), &answer)
	switch {
	case e == nil:
		p.compare(&answer, wanted, changes)
		return nil
	case !e.Refused():
		return e
	case len(wanted) == 1:
		changes[0] = destination.Change{Effect: destination.Unclear, Code: e.Code, Message: "HubSpot refused to read this contact: " + e.Message}
		return nil
	}
	half := len(wanted) / 2
	if e := p.read(ctx, wanted[:half], changes[:half]); e != nil {
		return e
	}
	return p.read(ctx, wanted[half:], changes[half:])
}

// compare fills the changes. A contact counts as missing only where HubSpot names it
// as such, or says that some are missing without a name: an answer that does not
// mention a contact says nothing.
func (p preview) compare(a *api.BatchAnswer, wanted []Wanted, changes []destination.Change) {
	known := map[string]*api.Result{}
	for i := range a.Results {
		if a.Results[i].RemoteID() == "" {
			continue
		}
		for _, address := range a.Results[i].Addresses() {
			known[address] = &a.Results[i]
		}
	}
	missing, unnamed := map[string]bool{}, false
	for i := range a.Errors {
		names := a.Errors[i].Emails()
		unnamed = unnamed || len(names) == 0
		for _, name := range names {
			missing[name] = true
		}
	}
	for i, w := range wanted {
		switch r := known[w.Email]; {
		case r != nil:
			changes[i] = p.difference(r, w.Values)
		case missing[w.Email], unnamed:
			changes[i] = p.difference(new(api.Result), w.Values)
			changes[i].Effect = destination.Creates
		default:
			changes[i] = destination.Change{
				Effect: destination.Unclear, Code: contact.CodeNotConfirmed,
				Message: "HubSpot's response does not mention this contact",
			}
		}
	}
}

// difference returns what a write would change.
func (p preview) difference(r *api.Result, values map[string]string) destination.Change {
	change, known := destination.Change{Effect: destination.Nothing, RemoteID: r.RemoteID()}, r.Values()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if before := string(known[name]); !p.mapped[name].same(before, values[name]) {
			change.Fields = append(change.Fields, destination.Field{Name: name, Before: before, After: values[name]})
			change.Effect = destination.Updates
		}
	}
	return change
}
