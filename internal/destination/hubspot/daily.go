package hubspot

import (
	"context"
	"net/http"
	"time"
)

const (
	// resetMargin is how long after its end the day is surely over, also by a
	// clock that differs a little from ours.
	resetMargin = 30 * time.Second
	// resetDoubt is how soon after midnight a refusal may still be meant for the
	// day before: pausing until the next midnight would then lose a day.
	resetDoubt = 15 * time.Minute
)

// untilReset is how long until the daily limit is lifted: at midnight of the
// account's time zone, or when HubSpot says that it is.
func (c *Client) untilReset(ctx context.Context, t *tally, now time.Time) time.Duration {
	c.mu.Lock()
	account := c.account
	c.mu.Unlock()
	if account == nil {
		if fetched, e := c.fetchAccount(ctx, t); e == nil {
			account = &fetched
		}
	}
	if account != nil {
		if zone := account.zone(); zone != nil {
			return untilMidnight(now.In(zone))
		}
		if at, ok := c.resetsAt(ctx, t); ok && at.After(now) && at.Sub(now) <= longestPause {
			return at.Sub(now) + resetMargin
		}
	}
	return unknownReset
}

// zone is the account's, nil if HubSpot does not tell.
func (a *Account) zone() *time.Location {
	if a.TimeZone != "" {
		if zone, err := time.LoadLocation(a.TimeZone); err == nil {
			return zone
		}
	}
	if a.offset != 0 {
		return time.FixedZone(a.TimeZone, int(a.offset.Seconds()))
	}
	return nil
}

// untilMidnight is how long the day lasts in the zone of now.
func untilMidnight(now time.Time) time.Duration {
	year, month, day := now.Date()
	if now.Sub(time.Date(year, month, day, 0, 0, 0, 0, now.Location())) < resetDoubt {
		return resetDoubt
	}
	return time.Date(year, month, day+1, 0, 0, 0, 0, now.Location()).Sub(now) + resetMargin
}

// resetsAt asks HubSpot when the day ends.
func (c *Client) resetsAt(ctx context.Context, t *tally) (time.Time, bool) {
	var answer struct {
		Results list[struct {
			ResetsAt text `json:"resetsAt"`
		}] `json:"results"`
	}
	call := request{method: http.MethodGet, url: c.urls.account("/api-usage/daily/private-apps")}
	if e := c.do(ctx, t, call, &answer); e != nil || len(answer.Results) == 0 {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, string(answer.Results[0].ResetsAt))
	return at, err == nil
}
