package hubspotsim

import "time"

// The versions of the API's paths that a Sim answers under.
const (
	version202609 = "2026-09"
	version202603 = "2026-03"
	versionV3     = "v3"
)

// Options describes the portal that New builds.
type Options struct {
	// Token is the only bearer token that is let in. With an empty token every
	// request is answered 401.
	Token string
	// PortalID is what account-info says; 0 stands for 1234567.
	PortalID int64
	// TimeZone is the portal's, an IANA name: its midnight ends the day of
	// DailyLimit. Empty stands for UTC; New panics on an unknown name.
	TimeZone string

	// RatePer10s is the number of requests let through in any 10 s; 0: unlimited,
	// and no rate-limit headers are sent.
	RatePer10s int
	// DailyLimit is the number of requests let through in a day; 0: unlimited.
	DailyLimit int

	// Properties exist beyond the defaults; one with the name of a default
	// replaces it.
	Properties []Property
	// Bare leaves out the properties of ContactsyncProperties: a portal that
	// nobody has set up yet.
	Bare bool
	// Scopes are those the token was granted; nil: all of them.
	Scopes []string

	// Latency is added to every answer.
	Latency time.Duration
	// Behaviour is what SetBehaviour changes and Reset restores.
	Behaviour Behaviour
	// Seed makes the order of results repeatable.
	Seed uint64
	// Keep is how many requests Received remembers, the newest ones; 0 stands
	// for 200,000. Of inputs and of writes five times as many are kept.
	Keep int
	// Now is the clock of the limits and of all times recorded; nil: time.Now.
	Now func() time.Time
}

const (
	defaultPortalID = 1234567
	defaultKeep     = 200_000
	keepFactor      = 5 // inputs and writes kept for each request kept
)

func (o Options) withDefaults() Options {
	if o.PortalID == 0 {
		o.PortalID = defaultPortalID
	}
	if o.TimeZone == "" {
		o.TimeZone = "UTC"
	}
	if o.Keep <= 0 {
		o.Keep = defaultKeep
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
