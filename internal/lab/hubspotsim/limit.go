package hubspotsim

import (
	"net/http"
	"strconv"
	"time"
)

// window is the length of the rolling limit.
const window = 10 * time.Second

// limiter counts the requests let through: in any 10 s, and in a day that ends
// at midnight of the portal's time zone.
type limiter struct {
	perWindow, perDay int // 0: unlimited
	zone              *time.Location

	recent []time.Time // of the last window, oldest first
	dayEnd time.Time
	today  int
}

func newLimiter(perWindow, perDay int, zone *time.Location) *limiter {
	return &limiter{perWindow: perWindow, perDay: perDay, zone: zone}
}

// admit counts a request. It returns the policy that refuses it, or "", and the
// headers that tell what is left.
func (l *limiter) admit(now time.Time, refusedCounts bool) (policy string, header http.Header) {
	l.advance(now)
	switch {
	case l.perDay > 0 && l.today >= l.perDay:
		policy = policyDaily
	case l.perWindow > 0 && len(l.recent) >= l.perWindow:
		policy = policyTenSecondly
	}
	if policy == "" || refusedCounts {
		l.today++
		if l.perWindow > 0 {
			l.recent = append(l.recent, now)
		}
	}
	return policy, l.header()
}

// advance forgets what is older than the window, and yesterday.
func (l *limiter) advance(now time.Time) {
	old := 0
	for old < len(l.recent) && now.Sub(l.recent[old]) >= window {
		old++
	}
	l.recent = l.recent[old:]
	if !now.Before(l.dayEnd) {
		l.dayEnd, l.today = nextMidnight(now, l.zone), 0
	}
}

func (l *limiter) header() http.Header {
	header := http.Header{}
	if l.perWindow > 0 {
		header.Set("X-HubSpot-RateLimit-Max", strconv.Itoa(l.perWindow))
		header.Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(max(0, l.perWindow-len(l.recent))))
		header.Set("X-HubSpot-RateLimit-Interval-Milliseconds", strconv.Itoa(int(window.Milliseconds())))
	}
	if l.perDay > 0 {
		header.Set("X-HubSpot-RateLimit-Daily", strconv.Itoa(l.perDay))
		header.Set("X-HubSpot-RateLimit-Daily-Remaining", strconv.Itoa(max(0, l.perDay-l.today)))
	}
	return header
}

func nextMidnight(now time.Time, zone *time.Location) time.Time {
	year, month, day := now.In(zone).Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, zone)
}
