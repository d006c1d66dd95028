package queue

import "time"

// asideFor is how long a row is left alone that can be neither claimed nor ended
// in Error.
const asideFor = time.Minute

// maxAside bounds how many rows are left alone at a time.
const maxAside = 1000

// aside is the rows that the database refuses to let be claimed: an app's own
// trigger or constraint is against it. They must not keep the others waiting.
type aside struct {
	until map[string]time.Time // when the row may be tried again, by this process's clock
}

func (a *aside) add(id string) {
	if a.until == nil {
		a.until = map[string]time.Time{}
	}
	if len(a.until) < maxAside {
		a.until[id] = time.Now().Add(asideFor)
	}
}

// ids are the rows to leave alone now; never nil, which SQL takes for NULL.
func (a *aside) ids() []string {
	ids := []string{}
	for id, until := range a.until {
		if time.Until(until) <= 0 {
			delete(a.until, id)
		} else {
			ids = append(ids, id)
		}
	}
	return ids
}

// next is how long until the first of them may be tried again.
func (a *aside) next() (wait time.Duration, some bool) {
	wait = asideFor
	for _, until := range a.until {
		wait = min(wait, max(0, time.Until(until)))
	}
	return wait, len(a.until) > 0
}
