package brevo

import (
	"context"
	"net/http"
	"strings"

	"github.com/scrapersky/contactsync/internal/destination"
)

const checkKeyName = "key"

// Checks lists the checks of the account. They write nothing there.
func (c *Client) Checks() []destination.Check {
	checks := []destination.Check{
		{Name: checkKeyName, Run: c.findKey},
		{Name: "attributes", Needs: []string{checkKeyName}, Run: c.findAttributes},
	}
	if c.options.ListID != 0 {
		checks = append(checks, destination.Check{Name: "list", Needs: []string{checkKeyName}, Run: c.findList})
	}
	for i := range checks {
		checks[i].Area = Info.Label
	}
	return checks
}

// refused is the finding where a request failed.
func refused(e *Error) destination.Finding {
	remedy := "check the network, a proxy on the way, and Brevo's own status page; failed contacts are tried again by themselves"
	switch {
	case e.Blocked:
		remedy = "the key is not to blame: authorise this address at " + authorisedIPs + ", or switch the blocking off for API keys there"
	case e.Status == http.StatusUnauthorized:
		remedy = "set BREVO_API_KEY to a valid key (xkeysib-…) and restart, or write one to BREVO_API_KEY_FILE"
	case e.Kind == kindAccount:
		remedy = "see the account's page in Brevo, or give the key the right to write contacts"
	case e.Status == http.StatusNotFound:
		remedy = "unknown call: correct BREVO_API_BASE_URL"
	case e.Status == http.StatusTooManyRequests:
		remedy = "wait; other apps may use the account's limit up"
	}
	return destination.Fail(remedy, "%v", e)
}

func (c *Client) findKey(ctx context.Context) destination.Finding {
	account, e := c.account(ctx)
	if e != nil {
		return refused(e)
	}
	return destination.Fine("taken by Brevo, for %s (%s)", account.Name, account.ID)
}

func (c *Client) findAttributes(ctx context.Context) destination.Finding {
	have, e := c.listAttributes(ctx, new(usage))
	if e != nil {
		return refused(e)
	}
	if faults := have.faults(c.options.Attributes); len(faults) > 0 {
		return destination.Fail("create them in Brevo (Contacts > Settings > Contact attributes), or name others in BREVO_ATTRIBUTE_…; until then the sync is paused, because Brevo would drop values without a word",
			"%s", strings.Join(faults, "; "))
	}
	return destination.Fine("all are there; the name goes to %s and %s", have.first, have.last)
}

func (c *Client) findList(ctx context.Context) destination.Finding {
	switch e := c.checkList(ctx, new(usage)); {
	case e != nil && e.Kind == kindSetup:
		return destination.Fail("correct BREVO_LIST_ID, or leave it out; until then the sync is paused", "Brevo has no list %d", c.options.ListID)
	case e != nil:
		return refused(e)
	}
	return destination.Fine("list %d is there", c.options.ListID)
}
