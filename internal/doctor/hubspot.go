package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
)

const (
	areaHubSpot = "HubSpot"
	checkKey    = "key"
	checkPortal = "portal"
	checkScopes = "scopes"
)

// HubSpot is the account to look at, as the processes use it.
type HubSpot struct {
	Client   *hubspot.Client
	Gauge    *hubspot.Gauge // under the client
	PortalID int64          // the one that the key has to belong to; 0: any
	Rate     int            // requests in any 10 s that the settings allow
}

// WithoutKey is the check of a process that has no key: there is nothing to ask
// HubSpot with.
func WithoutKey() []Check {
	return []Check{{Area: areaHubSpot, Name: checkKey, Run: func(context.Context) Finding {
		return fail("set HUBSPOT_API_KEY to a Service Key with the scopes "+hubspot.ScopeRead+" and "+hubspot.ScopeWrite+", and restart",
			"HUBSPOT_API_KEY is not set: nothing is synced")
	}}}
}

// Checks lists the checks of an account. They write nothing there.
func (h HubSpot) Checks() []Check {
	key := []string{checkKey}
	checks := []Check{
		{Name: checkKey, Run: h.key},
		{Name: checkPortal, Needs: key, Run: h.portal},
		{Name: checkScopes, Needs: []string{checkKey, checkPortal}, Run: h.scopes}, // another account is asked nothing that could write
	}
	for _, m := range h.Client.Mapped() {
		checks = append(checks, Check{Name: "property " + m.Name, Needs: key, Run: func(ctx context.Context) Finding {
			return h.property(ctx, m)
		}})
	}
	checks = append(checks, Check{Name: "limits", Needs: key, Run: h.limits})
	for i := range checks {
		checks[i].Area = areaHubSpot
	}
	return checks
}

// refused is the finding where HubSpot does not answer as it should.
func refused(err error) Finding {
	e, ok := errors.AsType[*hubspot.APIError](err)
	remedy := "check the network, a proxy on the way, and HubSpot's own status page; failed contacts are tried again by themselves"
	switch {
	case !ok:
		remedy = ""
	case e.Status == http.StatusUnauthorized:
		remedy = "set HUBSPOT_API_KEY to a valid key and restart, or write one to HUBSPOT_API_KEY_FILE"
	case e.Status == http.StatusForbidden:
		remedy = "give the key the scopes " + hubspot.ScopeRead + " and " + hubspot.ScopeWrite
	case e.Status == http.StatusNotFound:
		remedy = "HubSpot does not know the call: correct HUBSPOT_API_BASE_URL or HUBSPOT_API_VERSION"
	case e.Status == http.StatusTooManyRequests:
		remedy = "wait; other apps may use the account's limit up"
	}
	return fail(remedy, "%v", err)
}

func (h HubSpot) key(ctx context.Context) Finding {
	account, err := h.Client.Account(ctx)
	if err != nil {
		return refused(err)
	}
	return fine("taken by HubSpot, for portal %d", account.PortalID)
}

func (h HubSpot) portal(ctx context.Context) Finding {
	account, err := h.Client.Account(ctx)
	switch {
	case err != nil:
		return refused(err)
	case h.PortalID == 0:
		return fine("%d (any will do: HUBSPOT_PORTAL_ID is not set)", account.PortalID)
	case account.PortalID != h.PortalID:
		return fail("correct one of the two and restart; nothing is sent before",
			"the key belongs to portal %d, but HUBSPOT_PORTAL_ID is %d", account.PortalID, h.PortalID)
	}
	return fine("%d, as HUBSPOT_PORTAL_ID says", account.PortalID)
}

func (h HubSpot) scopes(ctx context.Context) Finding {
	var missing []string
	for _, scope := range []string{hubspot.ScopeRead, hubspot.ScopeWrite} {
		granted, err := h.Client.Granted(ctx, scope)
		if err != nil {
			return refused(err)
		}
		if !granted {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		return fail("add them where the key was made in HubSpot (Service Keys, or the legacy private app)", "the key lacks %s", strings.Join(missing, " and "))
	}
	may, err := h.Client.Granted(ctx, hubspot.ScopeProperties)
	note := "`contactsync setup` can create properties, too"
	if err != nil || !may {
		note = "without " + hubspot.ScopeProperties + ", which `contactsync setup` alone needs"
	}
	return fine("contacts can be read and written; %s", note)
}

func (h HubSpot) property(ctx context.Context, m hubspot.Mapped) Finding {
	p, found, err := h.Client.Property(ctx, m.Name)
	if err != nil {
		return refused(err)
	}
	return Property(m, p, found)
}

// Property is what there is to say of a property that contacts are written to, as
// the account has it, if it was found there.
func Property(m hubspot.Mapped, p hubspot.Property, found bool) Finding {
	create := "run `contactsync setup`"
	instead := "name another property in " + m.Setting + ", or delete this one in HubSpot and run `contactsync setup`"
	if !m.Own() {
		create = "restore it in HubSpot (Settings > Properties)"
		instead = "it is HubSpot's own: ask HubSpot's support"
	}
	if !found {
		return fail(create+"; until then the sync is paused", "HubSpot has no property %s%s", m.Name, m.OfType())
	}
	switch fit, why := m.Judge(p); fit {
	case hubspot.Unfit:
		return fail(instead, "%s: %s", m.Name, why)
	case hubspot.Takes:
		return warn(instead, "%s: %s", m.Name, why)
	}
	return fine("is there, of type %s", p.Type)
}

// limits tells how many requests are left. That few are left in these 10 s is
// no news: everybody waits for more.
func (h HubSpot) limits(ctx context.Context) Finding {
	l, err := h.Client.DailyUsage(ctx, h.Gauge.Limits())
	e, _ := errors.AsType[*hubspot.APIError](err)
	if e != nil && (e.Status == http.StatusUnauthorized || e.Status == http.StatusTooManyRequests) {
		return refused(err)
	}
	var told []string
	if l.LeftDay >= 0 {
		told = append(told, fmt.Sprintf("%d of %d requests are left today", l.LeftDay, l.PerDay))
	}
	if l.Left10s >= 0 {
		told = append(told, fmt.Sprintf("%d of %d in these 10 s", l.Left10s, l.Per10s))
	}
	if len(told) == 0 {
		return fine("HubSpot does not tell")
	}
	found := strings.Join(told, ", ")
	switch {
	case l.LeftDay == 0:
		return fail("wait for the next day of the account, or let other apps use less; contacts stay queued", "%s", found)
	case l.LeftDay > 0 && l.LeftDay < l.PerDay/10:
		return warn("find the app that uses them up; a contact takes a hundredth to one request", "%s", found)
	case l.Per10s > 0 && l.Per10s < h.Rate:
		return warn(fmt.Sprintf("set HUBSPOT_RATE_LIMIT_PER_10S to %d at most; the processes slow down by themselves meanwhile", l.Per10s),
			"%s, but HUBSPOT_RATE_LIMIT_PER_10S is %d", found, h.Rate)
	}
	return fine("%s", found)
}
