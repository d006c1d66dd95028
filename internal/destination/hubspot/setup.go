package hubspot

import (
	"context"
	"fmt"
	"net/http"
)

// group is where people find the account's own properties.
const (
	groupName  = "scrapersky"
	groupLabel = "ScraperSky"
)

// Done is what Setup did about one thing.
type Done string

// What can become of a thing.
const (
	DoneExists   Done = "exists"
	DoneCreated  Done = "created"
	DoneWould    Done = "would create" // a dry run
	DoneMisfit   Done = "misfit"       // it exists, and HubSpot will refuse values
	DoneTolerate Done = "tolerable"    // it exists, is not as it should be, and takes every value
)

// Step is one thing that Setup looked at.
type Step struct {
	Kind string // "group" or "property"
	Name string
	Type string // of a property: the one it has, or gets
	Done Done
	Why  string // what is wrong with one that exists
}

// Setup creates the account's own properties that contacts are written to, and
// the group they are shown in, as far as they are missing. What exists is left
// as it is. It reports each thing as it goes. A dry run only looks. Nothing is
// done where the key is another portal's than it has to be. The error tells what
// was being done and the remedy; behind it is an *APIError.
func (c *Client) Setup(ctx context.Context, dryRun bool, report func(Step)) error {
	token := c.keys.token()
	account, e := c.fetchAccount(ctx, new(tally))
	if e == nil {
		e = c.checkPortal(account, token)
	}
	if e != nil {
		return setupError("look at the account", e, "")
	}
	setup := setup{client: c, dryRun: dryRun, report: report}
	for _, m := range c.Mapped() {
		if !m.Own() {
			continue
		}
		if err := setup.property(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

type setup struct {
	client  *Client
	dryRun  bool
	report  func(Step)
	grouped bool // the group is known to exist, or would by now
}

// property creates a property where it is missing. Somebody may have created it
// since, or have archived it: then HubSpot says that it exists.
func (s *setup) property(ctx context.Context, m Mapped) error {
	found, err := s.judge(ctx, m)
	if found || err != nil {
		return err
	}
	if err := s.group(ctx); err != nil {
		return err
	}
	step := Step{Kind: "property", Name: m.Name, Type: m.Type, Done: DoneWould}
	if !s.dryRun {
		body := propertyBody{Name: m.Name, Label: m.label, Type: m.Type, FieldType: m.fieldType, Group: groupName}
		e := s.client.ask(ctx, request{http.MethodPost, s.client.urls.crm("properties", ""), body}, new(ignored))
		if e != nil && e.Status == http.StatusConflict {
			found, err := s.judge(ctx, m)
			if !found && err == nil {
				err = fmt.Errorf("create property %s: %w. It may be archived: restore it in HubSpot (Settings > Properties > Archived)", m.Name, e)
			}
			return err
		}
		if e != nil {
			return setupError("create property "+m.Name, e, ScopeProperties)
		}
		step.Done = DoneCreated
	}
	s.report(step)
	return nil
}

// judge reports a property that exists.
func (s *setup) judge(ctx context.Context, m Mapped) (found bool, err error) {
	p, found, e := s.client.fetchProperty(ctx, m.Name)
	if e != nil {
		return false, setupError("look for property "+m.Name, e, ScopeRead)
	}
	if !found {
		return false, nil
	}
	fit, why := m.Judge(p)
	done := map[Fit]Done{Fits: DoneExists, Takes: DoneTolerate, Unfit: DoneMisfit}[fit]
	s.report(Step{Kind: "property", Name: m.Name, Type: p.Type, Done: done, Why: why})
	return true, nil
}

// group creates the group, once, when the first property needs it.
func (s *setup) group(ctx context.Context) error {
	if s.grouped {
		return nil
	}
	step := Step{Kind: "group", Name: groupName, Done: DoneExists}
	e := s.client.ask(ctx, request{method: http.MethodGet, url: s.client.urls.group(groupName)}, new(ignored))
	switch {
	case e != nil && e.Status != http.StatusNotFound:
		return setupError("look for group "+groupName, e, ScopeRead)
	case e != nil && s.dryRun:
		step.Done = DoneWould
	case e != nil:
		body := groupBody{Name: groupName, Label: groupLabel}
		e := s.client.ask(ctx, request{http.MethodPost, s.client.urls.group(""), body}, new(ignored))
		if e != nil && e.Status != http.StatusConflict {
			return setupError("create group "+groupName, e, ScopeProperties)
		}
		if e == nil {
			step.Done = DoneCreated
		}
	}
	s.grouped = true
	s.report(step)
	return nil
}

// setupError says what to do about a failure. The scope is the one that the
// call needs; empty: none.
func setupError(doing string, e *APIError, scope string) error {
	remedy := ""
	switch {
	case e.Status == http.StatusUnauthorized:
		remedy = ". HubSpot refuses the key: set HUBSPOT_API_KEY to a valid one"
	case e.Status == http.StatusForbidden && scope != "":
		remedy = ". The key lacks the scope " + scope + ": add it where the key was made in HubSpot (Service Keys, or the legacy private app), " +
			"or give another key for this one call: HUBSPOT_API_KEY=... contactsync setup"
		if scope == ScopeProperties {
			remedy += "; or create by hand what `contactsync setup --dry-run` lists"
		}
	case e.Status == http.StatusNotFound:
		remedy = ". HubSpot does not know the call: wrong HUBSPOT_API_VERSION or HUBSPOT_API_BASE_URL"
	}
	return fmt.Errorf("%s: %w%s", doing, e, remedy)
}
