/* The claim: one contact, the slots, the requests on their way to HubSpot, and apps that do as they please.

   What is checked, for every order of events within the bounds:
     order    no request brings older values to HubSpot after newer ones        (assertion in land)
     alone    never two requests of this contact on their way at the same time  (assertion in leave)
     fenced   whoever writes to the database holds the lock of his slot         (assertion in write)
     honest   Error only for the values that HubSpot refused                    (assertion in settle)
     kept     every run ends, and then what apps queued last is at HubSpot, or the row is Error; nothing is Processing
              and nothing is claimed                                            (assertion in Observer; no endless runs: pan -l)

   Where each piece lives in the code:
     the row's status     triggers/requeue.sql makes an app's Queued a fresh request; settle.sql leaves what an app did
     holder, sick         internal/leader: the slot's lock and its two ends of a lease (session.go, lease.go, timing.go)
     leave                leader/transport.go asks mayStillSend of app/worker.go (Session.Fresh, Queue.ClaimsFresh)
     take                 internal/queue/claim.sql
     settle               internal/queue/settle.sql; in doubt: hubspot/api/call.go (leaving), HUBSPOT_TIMEOUT
     touch                internal/queue/claim.sql (touch), called by drain/inflight.go (keepAlive)
     rescue, expire, adopt    internal/queue/maintain.sql, called by maintain.go
     stop                 drain/inflight.go (cut) cuts the requests after an orderly stop; they settle as Unspent

   Time passes in ticks of some seconds. The constants keep the order of the real ones:
                          here    there
     TOUCH                  1     5 s    drain.touchEvery
     GIVE_UP                2     8 s    leader timing.giveUp; TOUCH + GIVE_UP: 13 s, queue.staleAfter
     LEASE                  3    15 s    leader timing.lease, queue.leaseSlack
     REQUEST                3    30 s    HUBSPOT_TIMEOUT: how long a request may take effect after it has left
     QUARANTINE             6    45 s    queue.deadAfter: LEASE + REQUEST
     HOLD                   4            how long a request may wait for the rate limit before it leaves

   Left out: batches (a contact's claim does not depend on the others' beside it), locked rows (a settle or a rescue that
   passes over a row is one that happens later), due times and the budget of attempts (every retry is due at once, and
   without end), the moment between the lease's check and the write of the request to the wire, several batches under
   way (a contact is in one of them alone, for its claim stands; a request asks whether the claims of all of them are
   fresh, so that it is held back more often than here, never less).

   What happens around the processes is in world.pml: HubSpot, apps, faults, time.

   Sizes:     SLOTS (1), two processes; COMMITS of apps (3), FAULTS (1) of processes and network, ANSWERS (1) that are no
              success; ORM: one app saves whole rows; REMOVE: apps delete and insert the contact again
   ONLY_ORDER leaves `alone` out, to show what two senders lead to; ONLY_HONEST leaves `kept` out.
   Broken on purpose, to be refuted: see the #ifdefs; README.md tells what each teaches.
*/
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef COMMITS
#define COMMITS 3
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef ANSWERS
#define ANSWERS 1
#endif

#define TOUCH   1
#define GIVE_UP 2
#define LEASE   3
#define REQUEST 3
#ifndef HOLD
#define HOLD    4
#endif
#ifdef NO_QUARANTINE
#define QUARANTINE 0
#else
#ifdef SHORT_QUARANTINE
#define QUARANTINE (REQUEST + TOUCH)
#else
#define QUARANTINE (LEASE + REQUEST)
#endif
#endif

#define NP 2         /* processes */
#define NOBODY 255
#define GHOST  254    /* a session whose process is gone, and whose server does not know yet */

/* --- the row ------------------------------------------------------------------------------------------------- */
mtype = { Queued, Processing, Complete, Error, Gone };
mtype status = Complete;
byte values;         /* what its columns hold; each new content has a new number */
byte commits;        /* how often apps have committed */
byte age;            /* the commit that its values are from */
bool asked;          /* an app wants it synced: its last commit left it Queued, and no later one took that back */

/* --- the claim, one row of contactsync.claims ------------------------------------------------------------------ */
bool claimed;
byte claimOwner;     /* the process whose cycle it is; NOBODY once that process has forgotten the cycle */
byte claimSlot;
byte claimAge;       /* ticks since claimed_at */
byte doubt;          /* ticks left until `until`; 0: it is NULL */
bool doubtful;       /* `until` is set */

/* --- the two processes ------------------------------------------------------------------------------------------ */
mtype = { Follows, Idle, Claiming, Holds, Waits, Answered };
mtype phase[NP] = Follows;
byte slot[NP];
byte cycleValues[NP], cycleAge[NP];  /* what its cycle sends */
byte held[NP];       /* ticks since the claim, while the request waits to leave */
byte unheard[NP];    /* ticks since the database last answered */
bool frozen[NP];     /* SIGSTOP, a paused container: it takes no step, its kernel acknowledges */
bool forGood[NP];    /* and nobody ever thaws it */
bool stopping[NP];   /* asked to end in an orderly way */
bool cut[NP];        /* packets between it and the database vanish */
mtype = { NoAnswer, Good, Refused, Failed, Unknown };
mtype answer[NP] = NoAnswer;
byte holder[SLOTS] = NOBODY;  /* the session that holds the slot's advisory lock */

/* --- requests on their way to HubSpot ---------------------------------------------------------------------------- */
#define NR 2
bool flies[NR];
byte flightValues[NR], flightAge[NR], flightTime[NR], flightFrom[NR];  /* from: who waits for the answer; NOBODY: nobody any more */
byte hubValues, hubAge;   /* what HubSpot holds */

byte faults, answers;

#define alive(p)   (phase[p] != Follows && holder[slot[p]] == p)
#define sick(p)    (phase[p] != Follows && (frozen[p] || cut[p] || holder[slot[p]] != p))
#ifdef NO_FENCE
#define reaches(p) (!frozen[p] && !cut[p])
#else
#define reaches(p) (!frozen[p] && !cut[p] && alive(p))
#endif
#ifdef NO_FRESH
#define fresh(p)   true
#else
#define fresh(p)   (unheard[p] <= GIVE_UP)
#endif

#ifndef NO_GUARD
#define guard (claimed && claimOwner == me && claimAge <= TOUCH + GIVE_UP)
#else
#define guard true
#endif

inline write(p) { assert(holder[slot[p]] == p); unheard[p] = 0 }  /* fenced */

inline unclaim() {
  claimed = false; claimOwner = NOBODY; claimSlot = 0; claimAge = 0; doubt = 0; doubtful = false
}
inline endCycle(p) { cycleValues[p] = 0; cycleAge[p] = 0; held[p] = 0; answer[p] = NoAnswer }

/* The process forgets all it knew: it died, or its lease did. The server lets its lock go when its connection ends,
   which it cannot tell at once while packets vanish. */
inline forget(p) {
  if :: claimed && claimOwner == p -> claimOwner = NOBODY :: else fi;
  if
  :: holder[slot[p]] == p && !cut[p] -> holder[slot[p]] = NOBODY
  :: holder[slot[p]] == p && cut[p] -> holder[slot[p]] = GHOST
  :: else
  fi;
  endCycle(p); phase[p] = Follows; slot[p] = 0; unheard[p] = 0; stopping[p] = false
}

/* What became of the cycle is written only while its claim stands, and the status only while it is Processing. Who is
   in doubt keeps the claim, so that nothing newer goes to HubSpot before the doubt is over. */
inline settle(p) {
  write(p);
#ifdef SETTLE_BY_STATUS
  if :: status == Processing ->
#else
  if :: claimed && claimOwner == p ->
#endif
     if
     :: status == Processing && answer[p] == Good ->
#ifdef NO_VERSION_CHECK
        status = Complete
#else
        if :: values == cycleValues[p] -> status = Complete :: else -> status = Queued fi
#endif
     :: status == Processing && answer[p] == Refused ->
#ifdef NO_VERSION_CHECK
        status = Error;
#else
        if :: values == cycleValues[p] -> status = Error :: else -> status = Queued fi;
#endif
        assert(status != Error || values == cycleValues[p])  /* honest */
     :: status == Processing && (answer[p] == Failed || answer[p] == Unknown) -> status = Queued
     :: else  /* whatever an app made of it stays */
     fi;
     if
#ifndef NO_DOUBT
     :: answer[p] == Unknown -> claimOwner = NOBODY; doubtful = true; doubt = REQUEST
     :: answer[p] != Unknown ->
#else
     :: true ->
#endif
        unclaim()
     fi
  :: else
  fi;
  endCycle(p); phase[p] = Idle
}

inline leave(p) {
#ifndef ONLY_ORDER
  assert(!flies[0] && !flies[1]);  /* alone */
#endif
  if :: !flies[0] -> r = 0 :: else -> r = 1 fi;
  flies[r] = true; flightValues[r] = cycleValues[p]; flightAge[r] = cycleAge[p]; flightTime[r] = 0; flightFrom[r] = p;
  held[p] = 0; phase[p] = Waits; r = 0
}

/* A slot whose claims a leader may look through: his own, and one whose lock is to be had. */
#define rescuable(p) (claimSlot == slot[p] || holder[claimSlot] == NOBODY)

proctype Process(byte me) {
  byte r;
end:
  do
  /* wait for a slot: follower.go */
  :: atomic { phase[me] == Follows && !frozen[me] && !cut[me] && holder[0] == NOBODY ->
       holder[0] = me; slot[me] = 0; phase[me] = Idle }
#if SLOTS == 2
  :: atomic { phase[me] == Follows && !frozen[me] && !cut[me] && holder[1] == NOBODY ->
       holder[1] = me; slot[me] = 1; phase[me] = Idle }
#endif

  /* take: the statement begins with a snapshot; then it locks the row, sees its newest version, and inserts the claim */
  :: atomic { phase[me] == Idle && reaches(me) && status == Queued && !claimed -> phase[me] = Claiming }
  :: atomic { phase[me] == Claiming && reaches(me) ->
       write(me);
       if
#ifdef NO_CONFLICT
       :: status == Queued ->
#else
       :: status == Queued && !claimed ->  /* ON CONFLICT DO NOTHING */
#endif
          unclaim(); claimed = true; claimOwner = me; claimSlot = slot[me];
          status = Processing; cycleValues[me] = values; cycleAge[me] = age; phase[me] = Holds
       :: else -> phase[me] = Idle
       fi }

  /* send: as soon as the rate limit lets it, while the lease is fresh */
  :: atomic { phase[me] == Holds && !frozen[me] && fresh(me) && guard -> leave(me) }
  :: atomic { reaches(me) && unheard[me] > 0 -> write(me) }  /* a heartbeat */
#ifndef NO_TOUCH
  :: atomic { (phase[me] == Holds || phase[me] == Waits) && reaches(me) && claimed && claimOwner == me && claimAge > 0 ->
       write(me); claimAge = 0 }
#endif
  :: atomic { phase[me] == Waits && !frozen[me] && answer[me] != NoAnswer -> phase[me] = Answered }
  :: atomic { phase[me] == Answered && reaches(me) ->
       settle(me);
       if :: stopping[me] -> forget(me) :: else fi }

  /* tidy */
#ifndef NO_RESCUE
  :: atomic { phase[me] == Idle && reaches(me) && claimed && !doubtful && claimOwner != me && claimAge >= QUARANTINE && rescuable(me) ->
       write(me);
       if :: status == Processing -> status = Queued :: else fi;
       unclaim() }
#endif
  :: atomic { phase[me] == Idle && reaches(me) && claimed && doubtful && doubt == 0 -> write(me); unclaim() }
#ifndef NO_ADOPT
  :: atomic { phase[me] == Idle && reaches(me) && !claimed && status == Processing -> write(me); status = Queued }
#endif

  /* the lease is lost: noticed by a statement or by the clock */
#ifndef NO_FENCE
  :: atomic { sick(me) && !frozen[me] && (!cut[me] || unheard[me] >= GIVE_UP) -> forget(me) }
#endif

  /* an orderly stop: what waits is released, what is on its way is cut and in doubt; then the slot is free */
  :: atomic { faults < FAULTS && reaches(me) && (phase[me] == Holds || phase[me] == Waits && answer[me] == NoAnswer) ->
       faults++;
       if
       :: phase[me] == Holds -> answer[me] = Failed; held[me] = 0
       :: else ->
          for (r : 0 .. NR - 1) { if :: flies[r] && flightFrom[r] == me -> flightFrom[r] = NOBODY :: else fi };
          r = 0; answer[me] = Unknown
       fi;
       stopping[me] = true; phase[me] = Answered }
  od
}

#include "world.pml"

/* --- the end --------------------------------------------------------------------------------------------------------- */
proctype Observer() {
  timeout ->
  assert(!claimed && !flies[0] && !flies[1]);
  assert(status == Complete || status == Error || status == Gone);
  assert(!asked || status != Complete || hubValues == values)  /* kept */
}

init {
  atomic {
    claimOwner = NOBODY;
    run Process(0); run Process(1);
    run HubSpot(0); run HubSpot(1);
    run App();
#ifdef ORM
    run Mapper();
#endif
    run World(); run Clock();
#ifndef ONLY_HONEST
    run Observer()
#endif
  }
}
