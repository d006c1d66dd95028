package api

import (
	"context"
	"net/http"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
)

const (
	// resetMargin is how long after its end the day is surely over, also by a
	// clock that differs a little from ours.
	resetMargin = 30 * time.Second
	// resetDoubt is how soon after midnight a refusal may still be meant for the
	// day before: a pause until the next midnight would then lose a day.
	resetDoubt = 15 * time.Minute
)

// noteLimits keeps what an answer says of the limits.
func (c *Client) noteLimits(h http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	note := func(a *destination.Allowance, most, left string) {
		if n, ok := headerNumber(h, most); ok {
			a.Max, a.At = n, time.Now()
		}
		if n, ok := headerNumber(h, left); ok {
			a.Left, a.At = n, time.Now()
		}
	}
	note(&c.limits.Rate, "X-Hubspot-Ratelimit-Max", "X-Hubspot-Ratelimit-Remaining")
	note(&c.limits.Daily, "X-Hubspot-Ratelimit-Daily", "X-Hubspot-Ratelimit-Daily-Remaining")
}

// Limits returns what the newest answers said of the limits.
func (c *Client) Limits() destination.Limits {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits
}

// usageAnswer is how much of the day's limit is used.
type usageAnswer struct {
	Results List[struct {
		Limit    Loose[int] `json:"usageLimit"`
		Used     Loose[int] `json:"currentUsage"`
		ResetsAt Text       `json:"resetsAt"`
	}] `json:"results"`
}

func (c *Client) usageRequest() Request {
	return Request{method: http.MethodGet, url: c.urls.account("/api-usage/daily/private-apps")}
}

// DailyUsage asks HubSpot how much of the day's limit is used, and returns that with
// what is known of the other limits, also when there is an error.
func (c *Client) DailyUsage(ctx context.Context) (destination.Limits, *Error) {
	var answer usageAnswer
	e := c.Call(ctx, new(Usage), c.usageRequest(), &answer)
	known := c.Limits()
	for _, usage := range answer.Results {
		if usage.Limit.V > 0 {
			known.Daily.Max, known.Daily.Left = usage.Limit.V, max(0, usage.Limit.V-usage.Used.V)
		}
		if at, err := time.Parse(time.RFC3339, string(usage.ResetsAt)); err == nil {
			known.Daily.ResetsAt = at
		}
	}
	return known, e
}

// UntilReset returns how long until the daily limit is lifted: at midnight of the
// account's time zone, or when HubSpot says that it is. It is not ok where neither
// is known.
func (c *Client) UntilReset(ctx context.Context, usage *Usage, now time.Time) (_ time.Duration, ok bool) {
	account := c.KnownAccount()
	if account == nil {
		fetched, e := c.Account(ctx, usage)
		if e != nil {
			return 0, false
		}
		account = &fetched
	}
	if zone := account.zone(); zone != nil {
		return untilMidnight(now.In(zone)), true
	}
	if at, ok := c.resetsAt(ctx, usage); ok && at.After(now) && at.Sub(now) <= longestPause {
		return at.Sub(now) + resetMargin, true
	}
	return 0, false
}

// zone returns the account's time zone, nil if HubSpot does not say.
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

// untilMidnight returns how long the day lasts in the zone of now.
func untilMidnight(now time.Time) time.Duration {
	year, month, day := now.Date()
	if now.Sub(time.Date(year, month, day, 0, 0, 0, 0, now.Location())) < resetDoubt {
		return resetDoubt
	}
	return time.Date(year, month, day+1, 0, 0, 0, 0, now.Location()).Sub(now) + resetMargin
}

// resetsAt asks HubSpot when the day ends.
func (c *Client) resetsAt(ctx context.Context, usage *Usage) (time.Time, bool) {
	var answer usageAnswer
	r := c.usageRequest()
	r.once = true
	if e := c.Call(ctx, usage, r, &answer); e != nil || len(answer.Results) == 0 {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, string(answer.Results[0].ResetsAt))
	return at, err == nil
}
