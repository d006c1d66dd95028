// Package contact holds the plain types that every other package speaks in:
// a contact as it was claimed, what became of it, and the closed list of
// codes that name why. It knows neither Postgres nor any CRM, so that the
// queue and the destinations can be changed without knowing each other.
//
// The words that have one meaning everywhere in this repository:
//
//	adopt        put a row that is Processing without a claim back into the queue
//	arm          hold the doorbell and look at the queue once more, before sleep
//	batch        the contacts of one claim; a cycle has one batch
//	breaker      the state of an account: closed (send), open (wait), half-open (try one)
//	claim        the row of contactsync.claims that makes a contact one cycle's to send
//	consumer     the leader, as a writer sees it
//	cycle        claim, send, settle of one batch; its number names the claims
//	destination  where contacts go: a CRM, with a name, columns and limits of its own
//	doorbell     the advisory lock that tells a writer whether the consumer sleeps
//	drain        to run cycles until nothing is due
//	heartbeat    the leader's statement every 5 s; as a notification it also proves the listener
//	hold         an operator's pause, as the database has it
//	key          the email, trimmed and folded
//	lease        how long a leader may send after the last answer of the database
//	maintain     to rescue, to adopt, to end quarantines and to delete old history
//	mirror       the column that repeats the processing status for people
//	outcome      what became of one contact: a verdict, a code, the remote id
//	pause        of an account: the breaker is open; of an operator: nothing is claimed
//	probe        to ask, without writing, whether the account can be used
//	quarantine   a claim kept until its unanswered request can take no effect any more
//	release      to give a claimed row back to the queue, with nothing spent
//	rescue       to free the claims of a dead leader; each costs one attempt
//	settle       to write outcomes, each only while its claim stands
//	slot         a place for one leader: an advisory lock on a connection of its own
//	target       a destination and the table that it is fed from
//	tick         the regular look at the queue that needs no notification
//	touch        to keep the claims of a request under way from counting as dead
//	touched      a final outcome: the app changed the values meanwhile; not from touch
//	trouble      the database refuses for a reason of its own; no contact is to blame
//	unspent      a verdict: the contact was not tried, and keeps all its attempts
//	verdict      synced, retry, reject, unspent or unchanged
//	wake         to make a sleeping consumer look at the queue; it carries no data
package contact
