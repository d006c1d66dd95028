/* The claim: one contact, the slots, the requests on their way to HubSpot, and apps that do as they please.

   What is checked, for every order of events within the bounds:
     order    no request brings older values to HubSpot after newer ones        (assertion in land)
     alone    never two requests of this contact on their way at the same time  (assertion in leave)
     fenced   whoever writes to the database holds the lock of his slot         (assertion in write)
     honest   Error only for the values that HubSpot refused                    (assertion in settle)
     kept     every run ends, and then what apps queued last is at HubSpot, or the row is Error; nothing is Processing
              and nothing is claimed                                            (assertion in Observer; no endless runs: pan -l)

   Where each piece lives in the code:
     the row's status     triggers/fresh.sql makes an app's Queued a fresh request; settle.sql leaves what an app did
     holder, sick         internal/leader: the slot's lock and its two ends of a lease (session.go, lease.go, timing.go)
     leave                leader/transport.go asks Session.Fresh and Queue.Fresh (queue/fresh.go: guard) as a request leaves
     take                 internal/queue/claim.sql
     settle               internal/queue/settle.sql; in doubt: hubspot/exchange.go (leaving), HUBSPOT_TIMEOUT
     touch                internal/queue/touch.sql, called by drain/cycle.go (attend)
     rescue, expire, adopt    internal/queue/rescue.sql, expire.sql, adopt.sql, called by tidy.go
     stop                 drain/cycle.go cuts the request after an orderly stop, then settles it as Unspent

   Time passes in ticks of some seconds. The constants keep the order of the real ones:
                          here    there
     TOUCH                  1     5 s    drain.touchEvery
     GIVE_UP                2     8 s    leader timing.giveUp; TOUCH + GIVE_UP: 13 s, queue.mostUntouched
     LEASE                  3    15 s    leader timing.lease, queue.leaseSlack
     REQUEST                2    30 s    HUBSPOT_TIMEOUT: how long a request may take effect after it has left
     QUARANTINE             5    45 s    queue.deadAfter: LEASE + REQUEST
     HOLD                   4            how long a request may wait for the rate limit before it leaves

   Left out: batches (a contact's claim does not depend on the others' beside it), locked rows (a settle or a rescue that
   passes over a row is one that happens later), due times and the budget of attempts (every retry is due at once, and
   without end), the moment between the lease's check and the write of the request to the wire.

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
byte flightValues[NR], flightAge[NR], flightTime[NR], flightFrom[NR];
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
  byte s; byte r;
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

/* --- HubSpot and the way there ---------------------------------------------------------------------------------- */
#define hears(r) (flightFrom[r] != NOBODY && phase[flightFrom[r]] == Waits && answer[flightFrom[r]] == NoAnswer)
inline tell(a) { if :: hears(r) -> answer[flightFrom[r]] = a :: else fi }
inline gone() { flies[r] = false; flightValues[r] = 0; flightAge[r] = 0; flightTime[r] = 0; flightFrom[r] = 0 }
inline land() {
  assert(flightAge[r] >= hubAge);  /* order */
  hubValues = flightValues[r]; hubAge = flightAge[r]
}

proctype HubSpot(byte r) {
end:
  do
  :: atomic { flies[r] -> land(); tell(Good); gone() }
  :: atomic { flies[r] && answers < ANSWERS -> answers++; tell(Refused); gone() }
  :: atomic { flies[r] && answers < ANSWERS -> answers++; tell(Failed); gone() }
  :: atomic { flies[r] && answers < ANSWERS -> answers++; land(); tell(Unknown); gone() }  /* the answer is lost */
  :: atomic { flies[r] && answers < ANSWERS -> answers++; tell(Unknown); gone() }          /* the request is */
  :: atomic { flies[r] && answers < ANSWERS && hears(r) -> answers++; tell(Unknown); flightFrom[r] = NOBODY } /* a gateway lost patience */
  od
}

/* --- apps ---------------------------------------------------------------------------------------------------------- */
inline commit(v) { commits++; values = v; age = commits }
inline newValues() { commits++; values = commits; age = commits }

proctype App() {
  do
  :: commits == COMMITS -> break
  :: atomic { commits < COMMITS && status != Gone -> newValues(); status = Queued; asked = true }
  :: atomic { commits < COMMITS && commits > 0 && status != Gone -> newValues();         /* edits, and does not queue */
       if :: status == Queued || status == Processing :: else -> asked = false fi }
  :: atomic { commits < COMMITS && commits > 0 && status != Gone -> commits++; status = Complete; asked = false }
#ifdef REMOVE
  :: atomic { commits < COMMITS && commits > 0 && status != Gone -> commits++; status = Gone; asked = false;
#ifdef CLAIM_IN_ROW
       unclaim()
#endif
     }
  :: atomic { commits < COMMITS && status == Gone -> newValues(); status = Queued; asked = true }
#endif
  od
}

/* An object-relational mapper reads a row, and later writes all its columns back, one of them changed or none. */
proctype Mapper() {
  mtype sawStatus; byte saw;
  if
  :: atomic { commits > 0 && commits < COMMITS && status != Gone -> sawStatus = status; saw = values };
     if
     :: atomic { commits < COMMITS && status != Gone ->
          if :: commit(saw) :: newValues() fi;
          status = sawStatus;
          if
          :: sawStatus == Queued -> asked = true
          :: sawStatus == Complete || sawStatus == Error -> asked = false
          :: else
          fi }
     :: atomic { commits == COMMITS }
     fi
  :: atomic { commits == COMMITS }
  fi;
  atomic { sawStatus = 0; saw = 0 }
}

/* --- faults ---------------------------------------------------------------------------------------------------------- */
proctype World() {
  byte p;
end:
  do
  :: atomic { faults < FAULTS && phase[0] != Follows && !frozen[0] -> p = 0; goto trouble }
  :: atomic { faults < FAULTS && phase[1] != Follows && !frozen[1] -> p = 1; goto trouble }
  /* what froze or went silent comes back, some day */
  :: atomic { frozen[0] && !forGood[0] -> frozen[0] = false }
  :: atomic { frozen[1] && !forGood[1] -> frozen[1] = false }
  :: atomic { cut[0] -> cut[0] = false }
  :: atomic { cut[1] -> cut[1] = false }
  :: atomic { holder[0] == GHOST -> holder[0] = NOBODY }
#if SLOTS == 2
  :: atomic { holder[1] == GHOST -> holder[1] = NOBODY }
#endif
  /* the server ends a session that was silent for as long as the lease */
#ifndef NO_LEASE
  :: atomic { phase[0] != Follows && holder[slot[0]] == 0 && unheard[0] >= LEASE -> holder[slot[0]] = NOBODY }
  :: atomic { phase[1] != Follows && holder[slot[1]] == 1 && unheard[1] >= LEASE -> holder[slot[1]] = NOBODY }
#endif
  od;
trouble:
  atomic {
    faults++;
    if
    :: forget(p)                                                             /* SIGKILL */
    :: frozen[p] = true                                                      /* SIGSTOP */
    :: frozen[p] = true; if :: !forGood[1 - p] -> forGood[p] = true :: else fi
    :: cut[p] = true                                                         /* a black hole */
    :: holder[slot[p]] == p -> holder[slot[p]] = NOBODY                      /* pg_terminate_backend */
    fi;
    p = 0
  };
  goto end;
}

/* --- time ------------------------------------------------------------------------------------------------------------ */
/* A tick waits for what is due before it: the request lands, the healthy leader touches, the sick one gives up. */
#ifdef NO_TOUCH
#define mustTouch(p)  false
#else
#define mustTouch(p)  (claimed && claimOwner == p && (phase[p] == Holds || phase[p] == Waits) && reaches(p) && !sick(p) && claimAge >= TOUCH)
#endif
#define mustLeave(p)  (phase[p] == Holds && !sick(p) && held[p] >= HOLD)
#define mustHear(p)   (phase[p] == Waits && !frozen[p] && answer[p] != NoAnswer)
#define mustGiveUp(p) (sick(p) && !frozen[p] && unheard[p] >= GIVE_UP)
#define mustEnd(p)    (phase[p] != Follows && holder[slot[p]] == p && unheard[p] >= LEASE)
#define urgent(p)     (mustTouch(p) || mustLeave(p) || mustHear(p) || mustGiveUp(p) || mustEnd(p))
#define mustArrive(r) (flies[r] && flightTime[r] + 1 >= REQUEST)
#define passes(p)     (sick(p) && unheard[p] < LEASE)
#define matters       (claimed && claimAge < QUARANTINE || doubt > 0 || flies[0] || flies[1] || passes(0) || passes(1))

proctype Clock() {
  byte p;
end:
  do
  :: atomic { !urgent(0) && !urgent(1) && !mustArrive(0) && !mustArrive(1) && matters ->
       for (p : 0 .. NP - 1) {
         if :: passes(p) -> unheard[p]++ :: else fi;
         if :: phase[p] == Holds && held[p] < HOLD -> held[p]++ :: else fi
       };
       for (p : 0 .. NR - 1) { if :: flies[p] -> flightTime[p]++ :: else fi };
       if :: claimed && claimAge < QUARANTINE -> claimAge++ :: else fi;
       if :: doubt > 0 -> doubt-- :: else fi;
       p = 0 }
  od
}

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
