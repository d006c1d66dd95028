package portal

import (
	"context"
	"fmt"
	"net/http"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// group is where people find the account's own properties.
const (
	groupName  = "scrapersky"
	groupLabel = "ScraperSky"
)

// Setup creates the account's own properties that contacts are written to, and
// the group they are shown in, as far as they are missing. What exists is left
// as it is. It reports each thing as it goes. A dry run only looks. Nothing is
// done where the key is another portal's than it has to be. The error says what
// was being done and the remedy; behind it is an *api.Error.
func Setup(ctx context.Context, c *api.Client, mapped []Mapped, dryRun bool, report func(destination.Step)) error {
	if e := c.CheckAccount(ctx, new(api.Usage)); e != nil {
		return setupError("look at the account", e, "")
	}
	setup := setup{client: c, dryRun: dryRun, report: report}
	for _, m := range mapped {
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
	client  *api.Client
	dryRun  bool
	report  func(destination.Step)
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
	step := destination.Step{Kind: "property", Name: m.Name, Type: m.Type, Done: destination.DoneWould}
	if !s.dryRun {
		wanted := api.NewProperty{Name: m.Name, Label: m.Label, Type: m.Type, FieldType: m.FieldType, Group: groupName}
		e := s.client.Do(ctx, s.client.CreatePropertyRequest(wanted))
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
		step.Done = destination.DoneCreated
	}
	s.report(step)
	return nil
}

// judge reports a property that exists.
func (s *setup) judge(ctx context.Context, m Mapped) (found bool, err error) {
	p, found, e := s.client.Property(ctx, m.Name)
	if e != nil {
		return false, setupError("look for property "+m.Name, e, ScopeRead)
	}
	if !found {
		return false, nil
	}
	fit, why := m.Judge(p)
	done := map[Fit]destination.Done{Fits: destination.DoneExists, Takes: destination.DoneTolerate, Unfit: destination.DoneMisfit}[fit]
	s.report(destination.Step{Kind: "property", Name: m.Name, Type: p.Type, Done: done, Why: why})
	return true, nil
}

// group creates the group, once, when the first property needs it.
func (s *setup) group(ctx context.Context) error {
	if s.grouped {
		return nil
	}
	step := destination.Step{Kind: "group", Name: groupName, Done: destination.DoneExists}
	e := s.client.Do(ctx, s.client.GroupRequest(groupName))
	switch {
	case e != nil && e.Status != http.StatusNotFound:
		return setupError("look for group "+groupName, e, ScopeRead)
	case e != nil && s.dryRun:
		step.Done = destination.DoneWould
	case e != nil:
		e := s.client.Do(ctx, s.client.CreateGroupRequest(groupName, groupLabel))
		if e != nil && e.Status != http.StatusConflict {
			return setupError("create group "+groupName, e, ScopeProperties)
		}
		if e == nil {
			step.Done = destination.DoneCreated
		}
	}
	s.grouped = true
	s.report(step)
	return nil
}

// setupError adds what to do about a failure. The scope is the one that the
// call needs; empty: none.
func setupError(doing string, e *api.Error, scope string) error {
	remedy := ""
	switch {
	case e.Status == http.StatusUnauthorized:
		remedy = ". HubSpot rejected the key: set HUBSPOT_API_KEY to a valid one"
	case e.Status == http.StatusForbidden && scope != "":
		remedy = ". The key lacks the scope " + scope + ": add it where the key was made in HubSpot (Service Keys, or the legacy private app), " +
			"or give another key for this one call: HUBSPOT_API_KEY=... contactsync setup"
		if scope == ScopeProperties {
			remedy += "; or create by hand what `contactsync setup --dry-run` lists"
		}
	case e.Status == http.StatusNotFound:
		remedy = ". unknown call: wrong HUBSPOT_API_VERSION or HUBSPOT_API_BASE_URL"
	}
	return fmt.Errorf("%s: %w%s", doing, e, remedy)
}
