/* The key: two rows of one email, two leaders with two batches each, requests that fail, are lost, or land late, and a leader that dies.

   What is checked, for every order of events within the bounds:
     alone    never two requests of this email on their way at the same time, but for one whose quarantine is over   (assertion in leave)
     kept     every run ends, and then nothing is claimed, and HubSpot has the values that were queued last           (assertions in Observer)

   Where each piece lives in the code:
     look, take   internal/queue/claim.sql: the snapshot and the row locks; then what could be inserted into contactsync.claims (take in
                  fragments.sql). The first row of a batch holds the key, and a unique index lets nobody else insert it
     settle       internal/queue/settle.sql: what is in doubt keeps its claims, and with them the key. What may come to HubSpot after something
                  newer is noted in contactsync.doubts (older), and what HubSpot takes meanwhile as well (newer)
     over, rescue the end of a quarantine, and of what a dead leader left: maintain.sql. claims.pml has their times; here they come when they
                  please. With LATE a request may land after that, but not after the end of the doubt
     endDoubt     end_doubts in maintain.sql. What is due by then is sent before, here: the queue is not longer than the doubt

   A batch has a process of its own: the loop of a leader claims one after the other, which is one of the orders here. What is due is claimed
   in the order in which it was queued; how many a batch takes is left open. A row that failed is due again some time later. A claim takes
   less time than a request: HubSpot does nothing between a look and its take.

   Sizes:     COMMITS of apps (3), ANSWERS (1) that are no success, DEATHS (0) of leaders; LATE
   Broken on purpose, to be refuted: see the #ifdefs; README.md tells what each teaches.
*/
#ifndef COMMITS
#define COMMITS 3
#endif
#ifndef ANSWERS
#define ANSWERS 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif

#define NR 2         /* rows */
#define NB 4         /* batches: 0 and 1 are one leader's, 2 and 3 the other's */
#define NOBODY 255
#define GHOST  254    /* a claim whose batch is over: in doubt, or its leader is dead */

mtype = { Resting, Queued, Processing };
mtype status[NR] = Resting;
byte age[NR];        /* the commit that its values are from: updated_at, and its place in the queue */
bool later[NR];      /* next_retry_at is in the future */
byte commits;
byte locked[NR];     /* by the claim of this batch, plus 1 */

byte claim[NR];      /* the batch whose claim there is */
byte key;            /* the batch that has the key */

bool doubt;          /* a row of contactsync.doubts */
bool newer[NR];      /* the rows that were sent since */
byte newest;         /* and when they were queued */

mtype = { Free, Looked, Holds, Waits };
mtype phase[NB] = Free;
bool hasRow[8];      /* the rows of a batch */
byte sends[NB];      /* the age of its newest values */
mtype = { NoAnswer, Good, Failed, Unknown };
mtype answer[NB] = NoAnswer;

#define NF 2         /* requests on their way */
bool flies[NF];
byte flightAge[NF], flightFrom[NF];
bool late[NF];       /* its quarantine is over, and yet it may land */
byte hubAge;
byte answers, deaths;

#define has(b, r)  hasRow[(b) * NR + (r)]
#define takable(r) (status[r] == Queued && !later[r] && claim[r] == NOBODY && locked[r] == 0)
#define orphan(f)  (flies[f] && flightFrom[f] == NOBODY && !late[f])

#ifdef NO_KEY
#define keyFree true
#else
#define keyFree (key == NOBODY)
#endif

inline drop(b) { has(b, 0) = false; has(b, 1) = false; sends[b] = 0; answer[b] = NoAnswer; phase[b] = Free }

inline settle(b) {
  if
#ifndef NO_RESEND
  :: answer[b] == Good && doubt && sends[b] >= newest -> newer[0] = has(b, 0); newer[1] = has(b, 1); newest = sends[b]
  :: answer[b] != Good -> doubt = true
#endif
  :: else
  fi;
  for (r : 0 .. NR - 1) {
    if
    :: has(b, r) && claim[r] == b ->
       if
       :: status[r] == Processing && answer[b] == Good -> status[r] = Resting
       :: status[r] == Processing && answer[b] != Good -> status[r] = Queued; later[r] = true
       :: else  /* the app has queued it again */
       fi;
       if :: answer[b] == Unknown -> claim[r] = GHOST :: else -> claim[r] = NOBODY fi
    :: else
    fi
  };
  r = 0;
  if
  :: key == b ->
#ifdef DOUBT_FREES_KEY
     key = NOBODY
#else
     if :: answer[b] == Unknown -> key = GHOST :: else -> key = NOBODY fi
#endif
  :: else
  fi;
  drop(b)
}

/* One claim is a statement: it looks, with its snapshot, and locks what it finds; then it inserts. */
proctype Batch(byte b) {
  byte r, f;
end:
  do
  :: atomic { phase[b] == Free && keyFree && (takable(0) || takable(1)) ->
       if
       :: takable(0) && takable(1) -> has(b, 0) = true; has(b, 1) = true
       :: takable(0) && (!takable(1) || age[0] < age[1]) -> has(b, 0) = true
       :: takable(1) && (!takable(0) || age[1] < age[0]) -> has(b, 1) = true
       fi;
       for (r : 0 .. NR - 1) { if :: has(b, r) -> locked[r] = b + 1 :: else fi };
       r = 0; phase[b] = Looked }
  :: atomic { phase[b] == Looked ->
       if
#ifdef NO_CONFLICT
       :: true ->
#else
       :: keyFree ->  /* ON CONFLICT DO NOTHING */
#endif
          key = b; phase[b] = Holds;
          for (r : 0 .. NR - 1) {
            if
            :: has(b, r) -> claim[r] = b; locked[r] = 0; status[r] = Processing; sends[b] = (age[r] > sends[b] -> age[r] : sends[b])
            :: else
            fi
          }
       :: else ->
          for (r : 0 .. NR - 1) { if :: has(b, r) -> locked[r] = 0 :: else fi };
#ifndef NO_RESEND
          doubt = true;  /* the other one may have a newer row, and this one comes after it */
#endif
          drop(b)
       fi;
       r = 0 }
  :: atomic { phase[b] == Holds && (!flies[0] || !flies[1]) ->
#ifndef ONLY_KEPT
       assert(!(flies[0] && !late[0]) && !(flies[1] && !late[1]));  /* alone */
#endif
       if :: !flies[0] -> f = 0 :: else -> f = 1 fi;
       flies[f] = true; flightAge[f] = sends[b]; flightFrom[f] = b; f = 0; phase[b] = Waits }
  :: atomic { phase[b] == Waits && answer[b] != NoAnswer -> settle(b) }
  od
}

inline gone(f) { flies[f] = false; flightAge[f] = 0; flightFrom[f] = 0; late[f] = false }
inline tell(f, a) { if :: flightFrom[f] != NOBODY -> answer[flightFrom[f]] = a :: else fi }

#define looks (phase[0] == Looked || phase[1] == Looked || phase[2] == Looked || phase[3] == Looked)

proctype HubSpot(byte f) {
end:
  do
  :: atomic { flies[f] && !looks -> hubAge = flightAge[f]; tell(f, Good); gone(f) }
  :: atomic { flies[f] && answers < ANSWERS && flightFrom[f] != NOBODY -> answers++; tell(f, Failed); gone(f) }
  :: atomic { flies[f] && answers < ANSWERS -> answers++; hubAge = flightAge[f]; tell(f, Unknown); gone(f) }  /* the answer is lost */
  :: atomic { flies[f] && answers < ANSWERS -> answers++; tell(f, Unknown); gone(f) }                        /* the request is */
  :: atomic { flies[f] && answers < ANSWERS && flightFrom[f] != NOBODY -> answers++; tell(f, Unknown); flightFrom[f] = NOBODY } /* no answer yet */
  od
}

proctype World() {
  byte b, r, f;
end:
  do
  :: atomic { later[0] -> later[0] = false }
  :: atomic { later[1] -> later[1] = false }
  :: atomic { deaths < DEATHS && (phase[0] != Free || phase[1] != Free) -> b = 0; goto die }
  :: atomic { deaths < DEATHS && (phase[2] != Free || phase[3] != Free) -> b = 2; goto die }
  /* over, rescue */
  :: atomic { key == GHOST || claim[0] == GHOST || claim[1] == GHOST ->
#ifdef LATE
       for (f : 0 .. NF - 1) { if :: orphan(f) -> late[f] = true :: else fi };
       f = 0;
#else
       !orphan(0) && !orphan(1) ->
#endif
       if :: key == GHOST -> key = NOBODY :: else fi;
       for (r : 0 .. NR - 1) {
         if :: claim[r] == GHOST -> claim[r] = NOBODY; if :: status[r] == Processing -> status[r] = Queued :: else fi :: else fi
       };
       r = 0 }
  /* endDoubt */
  :: atomic { doubt && !later[0] && !later[1] && !orphan(0) && !orphan(1) && !late[0] && !late[1] && key == NOBODY && status[0] != Queued && status[1] != Queued ->
       doubt = false; newest = 0;
       for (r : 0 .. NR - 1) {
         if :: newer[r] && status[r] == Resting -> status[r] = Queued :: else fi;
         newer[r] = false
       };
       r = 0 }
  od;
die:  /* its claims stay, and what it has sent is on its way */
  atomic {
    deaths++;
#ifndef NO_RESEND
    doubt = true;
#endif
    for (f : 0 .. NF - 1) { if :: flies[f] && (flightFrom[f] == b || flightFrom[f] == b + 1) -> flightFrom[f] = NOBODY :: else fi };
    for (f : 0 .. 1) {
      for (r : 0 .. NR - 1) {
        if :: claim[r] == b + f -> claim[r] = GHOST :: else fi;
        if :: locked[r] == b + f + 1 -> locked[r] = 0 :: else fi
      };
      if :: key == b + f -> key = GHOST :: else fi;
      drop(b + f)
    };
    r = 0; f = 0; b = 0
  };
  goto end
}

proctype App() {
  do
  :: commits == COMMITS -> break
  :: atomic { commits < COMMITS && locked[0] == 0 -> commits++; age[0] = commits; status[0] = Queued; later[0] = false }
  :: atomic { commits < COMMITS && locked[1] == 0 -> commits++; age[1] = commits; status[1] = Queued; later[1] = false }
  od
}

proctype Observer() {
  timeout ->
  assert(key == NOBODY && claim[0] == NOBODY && claim[1] == NOBODY && !doubt);
  assert(status[0] == Resting && status[1] == Resting);
  assert(hubAge == commits)  /* kept */
}

init {
  atomic {
    key = NOBODY; claim[0] = NOBODY; claim[1] = NOBODY;
    run Batch(0); run Batch(1); run Batch(2); run Batch(3);
    run HubSpot(0); run HubSpot(1);
    run World(); run App(); run Observer()
  }
}
