// Package leader lets at most N processes work at a time, one for each slot.
//
// A process leads slot k while one connection of its own holds advisory lock k:
//
//	connect -> wait for a slot -> prove the lock -> lead(ctx) -> close
//	   ^         (follower)                         |             |
//	   +---------------- back-off <-----------------+-------------+
//
// The lock belongs to the server's session, and everything that changes the
// queue runs in that same session (Session.Do). When the session is gone those
// statements cannot succeed: the database fences an old leader, not a flag in
// its memory. Only the requests to the CRM are outside, so they leave only
// while the lease and the claims are fresh (Transport, which asks
// worker.mayStillSend in internal/app).
//
// The lease has two ends, and the client's comes first. A heartbeat every 5 s
// has 3 s to be answered; without an answer for 8 s the leader gives up. The
// server, which cannot tell a frozen process from an idle one because its kernel
// goes on acknowledging, ends a session that was silent for 15 s. A statement
// that is under way may stretch the client's end, to 13 s at most.
//
// A connection from a pool would not do: pools recycle connections, and give
// them back with the lock still held.
package leader
