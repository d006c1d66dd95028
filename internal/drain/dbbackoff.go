package drain

import "time"

// How the loop waits while the database has trouble of its own.
const (
	firstDBWait = 50 * time.Millisecond // a deadlock, say, is over at once
	maxDBWait   = 3 * time.Second

	// trustTrouble is for how long the database is believed that the trouble is its
	// own. From then on each row is settled alone, in case that one of them is the
	// trouble: a page that cannot be read, a trigger that takes for ever.
	trustTrouble = 10 * time.Second

	// onceTrouble is how long a run that is to do one round only goes on trying.
	onceTrouble = time.Minute
)

// dbBackoff is how the loop leaves the database alone while that has trouble of its
// own. The contacts are not to blame: none is marked, none spends an attempt, and
// what was answered waits to be settled rather than to be sent again.
type dbBackoff struct {
	since    time.Time // of the trouble; zero while there is none
	failedAt time.Time // the last time that it refused something
	workedAt time.Time // the last time that it took a claim, a look or a late outcome
	wait     time.Duration
	until    time.Time // nothing is asked of it before
}

// Failed notes that the database refused something, and reports whether that is
// the beginning of its trouble.
func (b *dbBackoff) Failed(now time.Time) (began bool) {
	if began = b.since.IsZero(); began {
		b.since = now
	}
	b.failedAt = now
	b.wait = min(max(firstDBWait, 2*b.wait), maxDBWait)
	b.until = now.Add(b.wait)
	return began
}

// Worked notes that the database took a claim, a look or a late outcome.
func (b *dbBackoff) Worked(now time.Time) { b.workedAt = now }

// Recovered ends the trouble and returns how long it lasted.
func (b *dbBackoff) Recovered(now time.Time) time.Duration {
	lasted := now.Sub(b.since)
	*b = dbBackoff{}
	return lasted
}

// Failing reports whether there is trouble.
func (b dbBackoff) Failing() bool { return !b.since.IsZero() }

// WorksAgain reports whether the database has done something since it failed last.
func (b dbBackoff) WorksAgain() bool { return b.Failing() && b.workedAt.After(b.failedAt) }

// For reports whether the trouble has lasted for as long as d.
func (b dbBackoff) For(now time.Time, d time.Duration) bool {
	return b.Failing() && now.Sub(b.since) >= d
}
