package drain

import (
	"context"
	"time"
)

// How the loop waits while the database is in trouble of its own.
const (
	firstTrouble = 50 * time.Millisecond // a deadlock, say, is over at once
	maxTrouble   = 3 * time.Second

	// trustTrouble is for how long the database is taken at its word that it is in
	// trouble. From then on each row is settled alone, in case that one of them is
	// the trouble: a page that cannot be read, a trigger that takes for ever.
	trustTrouble = 10 * time.Second

	// maxStuck is how many contacts may have been sent whose outcome the database
	// does not take before nothing more is claimed.
	maxStuck = 20

	// onceTrouble is how long a run that is to do one round only goes on trying.
	onceTrouble = time.Minute
)

// trouble is the database's, for as long as it lasts. The contacts are not to
// blame: none is marked, none spends an attempt, and what was answered waits to be
// settled rather than to be sent again.
type trouble struct {
	began time.Time // zero while there is none
	wait  time.Duration
}

func (t *trouble) lasts(d time.Duration) bool { return !t.began.IsZero() && time.Since(t.began) >= d }

// hopeless says that one round only is to be done, and that the trouble outlasts
// the patience for it.
func (r *run) hopeless() bool { return r.Once && r.lasts(onceTrouble) }

// endure waits before the next try. Wake-ups wait, too.
func (r *run) endure(ctx context.Context, stop <-chan struct{}, err error) {
	if r.began.IsZero() {
		r.began = time.Now()
		r.Log.WarnContext(ctx, "The database is in trouble: contacts wait until it is over", "error", err)
	}
	r.wait = min(max(firstTrouble, 2*r.wait), maxTrouble)
	pass(ctx, r.wait, stop)
}

// endured notes that the database does what it is asked. It is not over while the
// outcome of a contact is still refused.
func (r *run) endured(ctx context.Context) {
	if r.began.IsZero() || r.stuck() > 0 {
		return
	}
	r.Log.InfoContext(ctx, "The database's trouble is over", "lasted", time.Since(r.began).Round(time.Millisecond))
	r.trouble = trouble{}
}

// stuck is how many contacts have an outcome that the database does not take.
func (r *run) stuck() (n int) {
	for _, p := range r.pending {
		if p.troubled {
			n += len(p.Contacts)
		}
	}
	return n
}
