package hubspotsim

// ring is a list that forgets its oldest items beyond a limit. Adding costs a
// constant amount of work on average.
type ring[T any] struct {
	limit int
	total int // ever added
	items []T
	first int // index of the oldest item kept
}

func (r *ring[T]) len() int { return len(r.items) - r.first }

// add appends an item. It returns the item that had to go for it, if any.
func (r *ring[T]) add(item T) (dropped T, ok bool) {
	r.items = append(r.items, item)
	r.total++
	if r.len() > r.limit {
		return r.drop(), true
	}
	return dropped, false
}

// drop forgets the oldest item and returns it. The ring must not be empty.
func (r *ring[T]) drop() T {
	var zero T
	oldest := r.items[r.first]
	r.items[r.first] = zero
	r.first++
	if r.first > len(r.items)/2 {
		n := copy(r.items, r.items[r.first:])
		clear(r.items[n:])
		r.items, r.first = r.items[:n], 0
	}
	return oldest
}

// all is the items kept, oldest first; a view, valid until the next add.
func (r *ring[T]) all() []T { return r.items[r.first:] }
