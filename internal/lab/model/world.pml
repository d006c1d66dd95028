/* The world around the processes of claims.pml, which includes this file: HubSpot and the way there, apps that commit
   what they please, faults, and time. */

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
