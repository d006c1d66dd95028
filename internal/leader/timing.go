package leader

import "time"

// timing holds every duration of the protocol, so that a test can shorten them
// together. These depend on them too: queue.leaseSlack, drain.touchEvery, and heard in
// wake/listener.go.
type timing struct {
	beatEvery    time.Duration // between two heartbeats
	beatDeadline time.Duration // for a heartbeat's answer
	giveUp       time.Duration // the client's end of the lease, while nothing is under way
	statement    time.Duration // for one Do
	lease        time.Duration // the server's end
	margin       time.Duration // by which the client's end precedes it even with a statement under way
	wait         time.Duration // for a slot, in the server's queue
	waitDeadline time.Duration // for the answer to that
	retryMin     time.Duration // between two connections, growing
	retryMax     time.Duration
}

// defaultTiming keeps these in order: beatEvery + beatDeadline <= giveUp, a
// statement fits between giveUp and lease, and a follower's transaction stays
// under a second, for that is how long it can hold up CREATE INDEX CONCURRENTLY.
func defaultTiming() timing {
	return timing{
		beatEvery:    5 * time.Second,
		beatDeadline: 3 * time.Second,
		giveUp:       8 * time.Second,
		statement:    7 * time.Second,
		lease:        15 * time.Second,
		margin:       2 * time.Second,
		wait:         900 * time.Millisecond,
		waitDeadline: 3 * time.Second,
		retryMin:     200 * time.Millisecond,
		retryMax:     4 * time.Second, // a database that is back is to be found within 5 s
	}
}
