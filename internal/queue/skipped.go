package queue

import "time"

// skipFor is how long a row is passed over that can be neither claimed nor ended in
// Error.
const skipFor = time.Minute

// maxSkipped bounds how many rows are passed over at a time.
const maxSkipped = 1000

// skipped is the rows that the database does not let be claimed: an app's own
// trigger or constraint is against it. They must not keep the others waiting.
type skipped struct {
	until map[string]time.Time // when the row may be tried again, by this process's clock
}

func (s *skipped) add(id string) {
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	if len(s.until) < maxSkipped {
		s.until[id] = time.Now().Add(skipFor)
	}
}

// ids returns the rows to pass over now; never nil, which SQL takes for NULL.
func (s *skipped) ids() []string {
	ids := []string{}
	for id, until := range s.until {
		if time.Until(until) <= 0 {
			delete(s.until, id)
		} else {
			ids = append(ids, id)
		}
	}
	return ids
}

// next returns how long it takes until the first of them may be tried again.
func (s *skipped) next() (wait time.Duration, some bool) {
	wait = skipFor
	for _, until := range s.until {
		wait = min(wait, max(0, time.Until(until)))
	}
	return wait, len(s.until) > 0
}
