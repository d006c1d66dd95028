package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/portal"
)

const (
	checkKey    = "key"
	checkPortal = "portal"
	checkScopes = "scopes"
)

// WithoutKey is the check of a process that has no key: there is nothing to ask
// HubSpot with.
func WithoutKey() []destination.Check {
	return []destination.Check{{Area: Info.Label, Name: checkKey, Run: func(context.Context) destination.Finding {
		return destination.Fail("set HUBSPOT_API_KEY to a Service Key with the scopes "+portal.ScopeRead+" and "+portal.ScopeWrite+", and restart",
			"HUBSPOT_API_KEY is not set: nothing is synced")
	}}}
}

// Checks lists the checks of the account. They write nothing there. rate is how many
// requests in any 10 s the settings allow all processes together.
func (c *Client) Checks(rate int) []destination.Check {
	key := []string{checkKey}
	checks := []destination.Check{
		{Name: checkKey, Run: c.findKey},
		{Name: checkPortal, Needs: key, Run: c.findPortal},
		{Name: checkScopes, Needs: []string{checkKey, checkPortal}, Run: c.findScopes}, // another account is asked nothing that could write
	}
	for _, m := range c.Mapped() {
		checks = append(checks, destination.Check{Name: "property " + m.Name, Needs: key, Run: func(ctx context.Context) destination.Finding {
			p, found, err := c.Property(ctx, m.Name)
			if err != nil {
				return refused(err)
			}
			return JudgeProperty(m, p, found)
		}})
	}
	checks = append(checks, destination.Check{Name: "limits", Needs: key, Run: func(ctx context.Context) destination.Finding {
		return c.findLimits(ctx, rate)
	}})
	for i := range checks {
		checks[i].Area = Info.Label
	}
	return checks
}

// refused is the finding where a request failed.
func refused(err error) destination.Finding {
	e, ok := errors.AsType[*api.Error](err)
	remedy := "check the network, a proxy on the way, and HubSpot's own status page; failed contacts are tried again by themselves"
	switch {
	case !ok:
		remedy = ""
	case e.Status == http.StatusUnauthorized:
		remedy = "set HUBSPOT_API_KEY to a valid key and restart, or write one to HUBSPOT_API_KEY_FILE"
	case e.Status == http.StatusForbidden:
		remedy = "give the key the scopes " + portal.ScopeRead + " and " + portal.ScopeWrite
	case e.Status == http.StatusNotFound:
		remedy = "unknown call: correct HUBSPOT_API_BASE_URL or HUBSPOT_API_VERSION"
	case e.Status == http.StatusTooManyRequests:
		remedy = "wait; other apps may use the account's limit up"
	}
	return destination.Fail(remedy, "%v", err)
}

func (c *Client) findKey(ctx context.Context) destination.Finding {
	account, e := c.api.Account(ctx, new(api.Usage))
	if e != nil {
		return refused(e)
	}
	return destination.Fine("taken by HubSpot, for portal %d", account.PortalID)
}

func (c *Client) findPortal(ctx context.Context) destination.Finding {
	account, e := c.api.Account(ctx, new(api.Usage))
	wanted := c.api.PortalID()
	switch {
	case e != nil:
		return refused(e)
	case wanted == 0:
		return destination.Fine("%d (any will do: HUBSPOT_PORTAL_ID is not set)", account.PortalID)
	case account.PortalID != wanted:
		return destination.Fail("correct one of the two and restart; nothing is sent before",
			"the key belongs to portal %d, but HUBSPOT_PORTAL_ID is %d", account.PortalID, wanted)
	}
	return destination.Fine("%d, as HUBSPOT_PORTAL_ID says", account.PortalID)
}

func (c *Client) findScopes(ctx context.Context) destination.Finding {
	var missing []string
	for _, scope := range []string{portal.ScopeRead, portal.ScopeWrite} {
		granted, err := portal.Granted(ctx, c.api, scope)
		if err != nil {
			return refused(err)
		}
		if !granted {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		return destination.Fail("add them where the key was made in HubSpot (Service Keys, or the legacy private app)", "the key lacks %s", strings.Join(missing, " and "))
	}
	may, err := portal.Granted(ctx, c.api, portal.ScopeProperties)
	note := "`contactsync setup` can create properties, too"
	if err != nil || !may {
		note = "without " + portal.ScopeProperties + ", which `contactsync setup` alone needs"
	}
	return destination.Fine("contacts can be read and written; %s", note)
}

// JudgeProperty returns whether a property that contacts are written to is in order, as
// the account has it, if it was found there.
func JudgeProperty(m portal.Mapped, p api.Property, found bool) destination.Finding {
	create := "run `contactsync setup`"
	instead := "name another property in " + m.Setting + ", or delete this one in HubSpot and run `contactsync setup`"
	if !m.Own() {
		create = "restore it in HubSpot (Settings > Properties)"
		instead = "it is HubSpot's own: ask HubSpot's support"
	}
	if !found {
		return destination.Fail(create+"; until then the sync is paused", "HubSpot has no property %s%s", m.Name, m.OfType())
	}
	switch fit, why := m.Judge(p); fit {
	case portal.Unfit:
		return destination.Fail(instead, "%s: %s", m.Name, why)
	case portal.Takes:
		return destination.Warn(instead, "%s: %s", m.Name, why)
	}
	return destination.Fine("is there, of type %s", p.Type)
}

// findLimits looks how many requests are left. That few are left in these 10 s is no
// trouble: everybody waits for more.
func (c *Client) findLimits(ctx context.Context, rate int) destination.Finding {
	limits, e := c.api.DailyUsage(ctx)
	if e != nil && (e.Status == http.StatusUnauthorized || e.Status == http.StatusTooManyRequests) {
		return refused(e)
	}
	short, day := limits.Rate, limits.Daily
	var told []string
	if day.Left >= 0 {
		told = append(told, fmt.Sprintf("%d of %d requests are left today", day.Left, day.Max))
	}
	if short.Left >= 0 {
		told = append(told, fmt.Sprintf("%d of %d in these 10 s", short.Left, short.Max))
	}
	if len(told) == 0 {
		return destination.Fine("HubSpot does not say")
	}
	found := strings.Join(told, ", ")
	switch {
	case day.Left == 0:
		return destination.Fail("wait for the next day of the account, or let other apps use less; contacts stay queued", "%s", found)
	case day.Left > 0 && day.Left < day.Max/10:
		return destination.Warn("find the app that uses them up; a contact takes a hundredth to one request", "%s", found)
	case short.Max > 0 && short.Max < rate:
		return destination.Warn(fmt.Sprintf("set HUBSPOT_RATE_LIMIT_PER_10S to %d at most; the processes slow down by themselves meanwhile", short.Max),
			"%s, but HUBSPOT_RATE_LIMIT_PER_10S is %d", found, rate)
	}
	return destination.Fine("%s", found)
}
