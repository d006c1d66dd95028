/* The doorbell: does every committed Queued row get claimed, without any tick?

   Where each piece lives in the code:
     Writer      an app's transaction, with the triggers of triggers/doorbell.sql (INSERT) and requeue.sql (UPDATE)
     Consumer    internal/drain/rest.go (rest, sleep) and internal/queue/doorbell.go (Arm), claim.go (take: disarm, then claim)
     Ear         internal/wake/listener.go: LISTEN, and the signal with room for one of signal.go
     Stranger    any session that locks a queued row and fires no trigger
     Killer      the end of the session that leads; a successor begins anew

   Left out, because it only adds occasions to look: the tick, the linger, timers, full batches. A sleep with a timer is
   therefore a step that can always be taken; the one sleep that matters has none: armed, nothing due, the ear proven.

   Sizes:     NW writers (2), TX transactions each (1), OPS queueing statements a transaction (2), NC consumers (1)
              CRASHES of consumers (0), BREAKS of ears (0), STRANGERS locks (0)
   Checks:    without LIVE: whenever nothing can move any more, no row is left (assertion in Observer)
              with LIVE:    the formula `claimed`, under weak fairness
   Broken on purpose, to be refuted:
     NO_LAST_LOOK     sleeps as soon as the doorbell is taken
     LOOK_SKIPS       the last look is a claim: it passes over rows that a stranger holds locked
     ONE_STATEMENT    takes the doorbell and looks in one statement, whose snapshot is older than the lock
     STALE_ARM        believes that it holds the doorbell after an error that came once it was given back
     EARLY_RELEASE    a silent writer lets the doorbell go before its rows are visible
     SILENT_BREAK     a broken LISTEN sets no signal, neither when it is noticed nor when it is mended
     WRITER_KEEPS_MUM a writer that is refused does not ring
*/
#ifndef NW
#define NW 2
#endif
#ifndef TX
#define TX 1
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef NC
#define NC 1
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef BREAKS
#define BREAKS 0
#endif
#ifndef STRANGERS
#define STRANGERS 0
#endif

byte queued;           /* rows committed as Queued, not claimed, not locked */
byte locked;           /* the same, but locked by a stranger: SKIP LOCKED passes over them */
byte silent;           /* transactions that hold the doorbell shared */
byte bell;             /* who holds it exclusively: 1 + the consumer; 0 nobody */
bool signal[NC];       /* the signal with room for one */
bool listens[NC];      /* the LISTEN stands */
bool proven[NC];       /* and is believed to stand: Listener.Proven */
byte sent[NC];         /* notifications on their way; two are as good as more */
bool killed[NC];
byte writersDone;
bool strangerDone = (STRANGERS == 0);

/* The row's trigger, in the transaction itself (level 0) or in a savepoint (1); before or after the row is written makes
   no difference, what counts is the commit. A lock that the transaction has
   already is granted again by its own process; a savepoint that is rolled back gives back what it took and unsays
   what it said. */
inline queueRow(level) {
  atomic {
    rows[level]++;
    if
    :: holds[0] || holds[1] -> holds[level] = true
    :: else ->
       if
       :: bell == 0 -> silent++; holds[level] = true
       :: bell != 0 -> rings[level] = true
       fi
    fi
  }
}

proctype Writer() {
  byte rows[2]; bool holds[2]; bool rings[2]; byte n; byte ops; byte i;
  do
  :: n < TX ->
     ops = 0;
     do
     :: ops < OPS -> ops++;
        if
        :: queueRow(0)
        :: queueRow(1);
           if
           :: atomic { /* RELEASE SAVEPOINT */
                rows[0] = rows[0] + rows[1]; holds[0] = holds[0] || holds[1]; rings[0] = rings[0] || rings[1];
                rows[1] = 0; holds[1] = false; rings[1] = false }
           :: atomic { /* ROLLBACK TO SAVEPOINT */
                if :: holds[1] && !holds[0] -> silent-- :: else fi;
                rows[1] = 0; holds[1] = false; rings[1] = false }
           fi
        fi
     :: break
     od;
     if
     :: skip; /* COMMIT: rows become visible, then the locks go, then listeners are told */
#ifdef EARLY_RELEASE
        atomic { if :: holds[0] -> silent--; holds[0] = false :: else fi };
        atomic { queued = queued + rows[0]; rows[0] = 0 };
#else
        atomic { queued = queued + rows[0]; rows[0] = 0 };
        atomic { if :: holds[0] -> silent--; holds[0] = false :: else fi };
#endif
#ifndef WRITER_KEEPS_MUM
        atomic {
          if
          :: rings[0] ->
             for (i : 0 .. NC - 1) { if :: listens[i] && sent[i] < 2 -> sent[i]++ :: else fi };
             i = 0
          :: else
          fi };
#endif
        rings[0] = false
     :: atomic { /* ROLLBACK */
          if :: holds[0] -> silent-- :: else fi;
          rows[0] = 0; holds[0] = false; rings[0] = false }
     fi;
     n++
  :: else -> break
  od;
  atomic { n = 0; ops = 0; writersDone++ }
}

proctype Stranger() { /* BEGIN; SELECT ... FOR UPDATE, or an UPDATE of another column; COMMIT */
  byte n;
  do
  :: n < STRANGERS ->
     if
     :: atomic { queued > 0 -> queued--; locked++ }; atomic { locked--; queued++ }; n++
     :: atomic { writersDone == NW && queued == 0 -> break }
     fi
  :: else -> break
  od;
  atomic { n = 0; strangerDone = true }
}

/* A new LISTEN sets the signal, and so does one that is found broken. */
proctype Ear(byte me) {
  byte breaks;
end:
  do
  :: atomic { !listens[me] && !proven[me] -> listens[me] = true; proven[me] = true;
#ifndef SILENT_BREAK
       signal[me] = true
#endif
     }
  :: atomic { listens[me] && sent[me] > 0 -> sent[me]--; signal[me] = true }
  :: atomic { listens[me] && breaks < BREAKS -> breaks++; listens[me] = false; sent[me] = 0 } /* unnoticed at first */
  :: atomic { !listens[me] && proven[me] -> proven[me] = false;
#ifndef SILENT_BREAK
       signal[me] = true
#endif
     }
  od
}

/* Waits that have a timer: whether or not the signal comes, they end. */
inline poll() { if :: atomic { signal[me] -> signal[me] = false } :: skip fi }

inline disarm() { if :: bell == me + 1 -> bell = 0 :: else fi }

proctype Consumer(byte me) {
  byte seen; bool armed; bool due; bool timed;
anew:
  { armed = false;
  /* Claim: two statements in one round trip. */
claim:
  if
  :: armed -> atomic { disarm(); armed = false }
  :: else
  fi;
  seen = queued; /* the claim's snapshot */
  if
  :: seen > 0 -> atomic { queued = queued - (queued < seen -> queued : seen); seen = 0 }; goto claim
  :: else
  fi;
arm: /* Arm: try the doorbell, then the last look, two statements */
#ifdef ONE_STATEMENT
  due = (queued + locked > 0);
#endif
  atomic { if :: !armed && bell == 0 && silent == 0 -> bell = me + 1; armed = true :: else fi };
#ifndef ONE_STATEMENT
#ifdef NO_LAST_LOOK
  due = false;
#else
#ifdef LOOK_SKIPS
  due = (queued > 0);
#else
  due = (queued + locked > 0); /* a plain SELECT sees locked rows too */
#endif
#endif
#endif
  if
  :: due || !armed -> atomic { due = false; poll() }; goto claim
  :: else
  fi;
  timed = !proven[me]; /* while the ear is not proven: look every second */
sleep:
  if
  :: atomic { timed -> timed = false; poll() }
  :: atomic { !timed && signal[me] -> signal[me] = false }
  fi;
#ifdef STALE_ARM
  if
  :: atomic { armed -> disarm() }; goto arm /* refused after the doorbell was given back; nothing was claimed */
  :: skip
  fi;
#endif
  goto claim
  } unless {
    atomic { killed[me] ->
      killed[me] = false; disarm(); armed = false; seen = 0; due = false; timed = false;
      signal[me] = false; listens[me] = false; proven[me] = false; sent[me] = 0 }
  };
  goto anew
}

proctype Killer() {
  byte n;
  do
  :: n < CRASHES -> if :: killed[0] = true :: NC == 2 -> killed[NC - 1] = true fi; n++
  :: break
  od
}

#define quiet (writersDone == NW && strangerDone)
#define left  (queued + locked > 0)

/* When nobody can move, everybody who should be awake has been woken. */
proctype Observer() { timeout -> assert(quiet && !left) }

init {
  atomic {
    byte k;
    for (k : 0 .. NC - 1) { run Ear(k); run Consumer(k) };
    for (k : 1 .. NW) { run Writer() };
    if :: STRANGERS > 0 -> run Stranger() :: else fi;
    if :: CRASHES > 0 -> run Killer() :: else fi;
#ifndef LIVE
    run Observer();
#endif
    k = 0
  }
}

#ifdef LIVE
ltl claimed { [] ((quiet && left) -> <> !left) }
#endif
