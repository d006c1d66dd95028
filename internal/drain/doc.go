// Package drain is the loop of a leader: claim, send, settle, and again, until the
// queue is empty; then sleep until something wakes it. It decides what a
// destination's answers mean for the rows and for the account. It knows neither
// Postgres nor any CRM, only the interfaces Queue and Destination.
//
// The loop holds a state of plain facts. A pure function, next, names the one thing
// to do now; the loop does it, notes what came of it, and asks again:
//
//	enter -> owed? -> busy? -> account usable? -> claim -> arm -> sleep
//	  ^        |        |           |               |       |       |
//	  +--------+--------+-----------+---------------+-------+-------+
//
// A lost lease, a stop and the database's back-off come before all that. Owed is what
// is known and not written down yet: an answer to settle, an outcome that the database
// did not take, rows to make due, a pause to show; and maintenance, when it is time.
// Busy is a batch in flight that has to be answered before another one is sent. Every
// wait is a time in the state, so that one select serves all of them: an answer, a
// wake-up, the time, a new key, the end of a probe or of the check at the start, a
// stop, a hurry, the lost lease.
//
// The account has a circuit breaker:
//
//	closed --- an answer that pauses, or three outages in a row ---> open
//	  ^                                                             |    ^
//	  | an answer                                 its time is over, |    | no usable
//	  | that is usable                            the probe passes  v    | answer
//	  +------------------------------------------------------- half-open +
//
// Closed, several batches are in flight, once the last answer was usable. Open,
// nothing is sent; what was in flight already spends no attempt. Half-open, three
// contacts are sent, from both ends of the queue and of those that are due again; if
// none goes through, they spend nothing and are put off. When one goes through, the
// rows that failed for the account follow: first one of them, then the rest.
//
// One row's fault is one row's. A destination tries a request that fails in parts. A
// contact that fails alone while others go through is a suspect: it spends its
// attempts, also when nothing else is there to be sent, as long as the account's own
// read goes through; and its failures say nothing of the account. What fails while
// nothing goes through is an outage, whatever the account's read says: it costs three
// batches an attempt. As it cannot be told from suspects that have no others beside
// them, three contacts pay after five minutes of it, and no more.
//
// The database has a back-off of its own. While it lasts no contact is blamed: what
// was answered waits to be settled and is not sent again.
//
// An answer takes long and a claim does not, so several batches are in flight at a
// time; but one goroutine alone claims, records and settles. Beside it run only the
// requests, and the keep-alive of their claims.
//
// One layer retries, and it is the row: an attempt that failed goes back into the
// queue with a due time. The loop never repeats a request.
package drain
