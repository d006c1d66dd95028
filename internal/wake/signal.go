// Package wake wakes a sleeping consumer when there may be work.
//
// All reasons to look at the queue meet in one Signal: a notification, a
// listener that has connected and may have missed some, a timer. None of them
// carries data: a wake-up is a hint to look, so one that is lost among others
// costs nothing, and one too many costs a look.
package wake

// Signal is a wake-up that is remembered until it is taken, however often it was
// set. It is safe for concurrent use.
type Signal struct {
	slot chan struct{}
}

// NewSignal is a signal that is not set.
func NewSignal() *Signal {
	return &Signal{slot: make(chan struct{}, 1)}
}

// Set wakes the consumer, now or when it next waits. It never blocks.
func (s *Signal) Set() {
	select {
	case s.slot <- struct{}{}:
	default:
	}
}

// C delivers one value for any number of Sets since the last one was taken.
func (s *Signal) C() <-chan struct{} { return s.slot }
