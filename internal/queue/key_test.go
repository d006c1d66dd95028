package queue

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// twins inserts rows of one email, written in different ways, that wait to be synced.
func (b *bench) twins(n int) (ids []string) {
	b.Helper()
	written := []string{"twin@example.org", " Twin@Example.ORG ", "\tTWIN@example.org\n"}
	for i := range n {
		ids = append(ids, b.ask(`INSERT INTO contacts (email, name, hubspot_processing_status, hubspot_queued_at)
			VALUES ($1, 'V' || $2::int, 'Queued', now() - interval '2 hours' + $2::int * interval '1 second') RETURNING id::text`, written[i%len(written)], i+1))
	}
	return ids
}

func idsOf(batch contact.Batch) (ids []string) {
	for _, c := range batch.Contacts {
		ids = append(ids, c.ID)
	}
	return ids
}

func wantClaimed(tb testing.TB, batch contact.Batch, want ...string) {
	tb.Helper()
	if got := idsOf(batch); !slices.Equal(got, want) {
		tb.Errorf("claimed %v, want %v", got, want)
	}
}

// Two leaders never have rows of one email in flight at once, and nobody else waits for
// that: what stands behind them in the queue is claimed.
func TestAKeyIsInFlightOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	twins, other := b.twins(3), b.queued(1)[0]
	one, two := b.leader(0), b.leader(1)
	first := claim(t, one, 1)
	wantClaimed(t, first, twins[0])
	wantClaimed(t, claim(t, two, 10), other)
	if byHand, err := b.leader(1000).ClaimIDs(t.Context(), twins); err != nil || len(byHand.Contacts) != 0 {
		t.Errorf("claimed %v by hand beside a request of the same email (%v)", idsOf(byHand), err)
	}
	if state := arm(t, one); state.Due {
		t.Error("the leader who has the key in flight polls for its end, which it notices by itself")
	}
	if state := arm(t, two); !state.Due {
		t.Error("the other leader sleeps although nobody rings when the key is free")
	}
	settle(t, one, first, synced)
	wantClaimed(t, claim(t, two, 10), twins[1:]...)
}

// Rows of one email that are claimed together share the key, which is free when the
// row that holds it is settled.
func TestRowsOfAKeyAreClaimedTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	twins := b.twins(4)
	q := b.leader(0)
	batch := claim(t, q, 3)
	wantClaimed(t, batch, twins[:3]...)
	if got := b.ask(`SELECT count(*) || ' ' || count(DISTINCT key) || ' ' || count(*) FILTER (WHERE holds_key) FROM contactsync.claims`); got != "3 1 1" {
		t.Errorf("claims, keys and holders: %s, want 3 1 1", got)
	}
	wantClaimed(t, claim(t, q, 3))
	settle(t, q, batch, contact.Outcome{Verdict: contact.Unspent})
	wantClaimed(t, claim(t, b.leader(1), 10), twins...)
}

// The key stays claimed while it is in doubt what became of its request, also when the
// row is gone and another one has come in its place, and until a dead leader's request
// can no longer take effect.
func TestAKeyInDoubtStaysClaimed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.twins(1)
	one, two := b.leader(0), b.leader(1)
	settle(t, one, claim(t, one, 1), contact.Outcome{Verdict: contact.Retry, Code: contact.CodeTimeout, Message: "x", InDoubt: true})
	b.exec(`DELETE FROM contacts`)
	again := b.twins(1)[0]
	for _, q := range []*Queue{one, two} {
		wantClaimed(t, claim(t, q, 10))
		if state := arm(t, q); state.Due || state.Next < 25*time.Second || state.Next > 30*time.Second {
			t.Errorf("state %+v, want nothing due until the end of the quarantine", state)
		}
	}
	b.pass()
	if state := arm(t, two); !state.Dead {
		t.Errorf("state %+v, want the end of a quarantine", state)
	}
	maintain(t, two)
	wantClaimed(t, claim(t, two, 10), again)
	die(t, two)

	b.exec(`DELETE FROM contacts`)
	again = b.twins(1)[0]
	wantClaimed(t, claim(t, one, 10))
	b.pass()
	next := b.leader(1)
	maintain(t, next)
	wantClaimed(t, claim(t, next, 10), again)
}

// Of two leaders who look at the same moment one is slower, with the older row: what the
// faster one has sent is sent once more after it.
func TestTheSlowerOfTwoClaims(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	twins := b.twins(2)
	one, two := b.leader(0), b.leader(1)
	b.exec(`UPDATE contacts SET hubspot_processing_status = NULL WHERE id = $1`, twins[1])
	// The slower one has looked when the other's claim becomes visible.
	b.exec(`CREATE FUNCTION slower() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF NEW.slot = 0 THEN PERFORM pg_advisory_xact_lock(42); END IF;
			RETURN NEW;
		END $$`)
	b.exec(`CREATE TRIGGER slower BEFORE INSERT ON contactsync.claims FOR EACH ROW EXECUTE FUNCTION slower()`)
	b.exec(`SELECT pg_advisory_lock(42)`)
	var slower contact.Batch
	var claiming sync.WaitGroup
	claiming.Go(func() { slower = claim(t, one, 1) })
	for b.ask(`SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) != "1" {
		<-time.After(time.Millisecond)
	}
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, twins[1])
	faster := claim(t, two, 1)
	wantClaimed(t, faster, twins[1])
	b.exec(`SELECT pg_advisory_unlock(42)`)
	claiming.Wait()
	wantClaimed(t, slower)
	settle(t, two, faster, synced)
	settle(t, one, claim(t, one, 1), synced)
	b.over()
	maintain(t, one)
	wantClaimed(t, claim(t, one, 10), twins[1])
}

// The app changes the email in flight: the request is about the old one.
func TestAKeyIsOfTheEmailThatWasClaimed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	twins := b.twins(1)
	one, two := b.leader(0), b.leader(1)
	first := claim(t, one, 1)
	b.exec(`UPDATE contacts SET email = 'new@example.org', hubspot_processing_status = 'Queued'`)
	old := b.twins(1)[0]
	newer := b.ask(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('NEW@example.org', 'Queued') RETURNING id::text`)
	wantClaimed(t, claim(t, two, 10), newer)
	settle(t, one, first, synced)
	wantClaimed(t, claim(t, one, 10), old) // twins[0] waits for the newer row of its new email
	b.wantRow(twins[0], "Queued Processing tries=0 - 77 unscheduled")
}

// Rows without an email have nothing in common.
func TestNoEmailIsNoKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES (NULL, 'Queued'), (NULL, 'Queued'), ('', 'Queued'), (' ' || chr(160), 'Queued')`)
	one, two := b.leader(0), b.leader(1)
	if n, m := len(claim(t, one, 2).Contacts), len(claim(t, two, 2).Contacts); n != 2 || m != 2 {
		t.Errorf("claimed %d and %d, want 2 and 2", n, m)
	}
	if got := b.ask(`SELECT count(key)::text FROM contactsync.claims`); got != "0" {
		t.Errorf("%s keys", got)
	}
}

// SQL and Go mean the same by a key: the claims and what was sent are kept under it.
func TestKeysAreTheSameInSQLAndGo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000" {
		b.exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ($1, 'Queued')`, fmt.Sprintf("%cA%d@Example.org%c%c", c, c, c, c))
	}
	b.exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('IVAN.O''Neil+a b@EXAMPLE.org', 'Queued'), ($1, 'Queued')`, strings.Repeat("Long", 3000))
	batch := claim(t, b.leader(0), 100)
	if len(batch.Contacts) != 27 {
		t.Fatalf("claimed %d", len(batch.Contacts))
	}
	for _, c := range batch.Contacts {
		if got := b.ask(`SELECT (key = $2)::text FROM contactsync.claims WHERE contact_id = $1`, c.ID, digest(c.Key())); got != "true" {
			t.Errorf("the key of %q is not that of %q: %s", c.Email, c.Key(), got)
		}
	}
}

// A destination that tells contacts apart by their ids may be sent two of one email.
func TestKeyedByID(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	twins := b.twins(2)
	byID := func(o *Options) { o.Target.Destination.KeyedByID = true }
	one, two := b.leader(0, byID), b.leader(1, byID)
	first, second := claim(t, one, 1), claim(t, two, 1)
	wantClaimed(t, first, twins[0])
	wantClaimed(t, second, twins[1])
	if key := first.Contacts[0].Key(); key != twins[0] {
		t.Errorf("the key is %q, want the id", key)
	}
	if got := b.ask(`SELECT (key = $2)::text FROM contactsync.claims WHERE contact_id = $1`, twins[1], digest(second.Contacts[0].Key())); got != "true" {
		t.Error("SQL and Go do not mean the same by a key")
	}
}

// Many leaders at once and few emails: no email is ever in two hands, no claim fails,
// and all of it is settled in the end.
func TestNoKeyIsClaimedTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const leaders, rounds = 4, 60
	b.exec(`INSERT INTO contacts (email, hubspot_processing_status) SELECT 'c' || i % 8 || '@example.org', 'Queued' FROM generate_series(1, 60) i`)
	var mu sync.Mutex
	holder := map[string]int{}
	var wg sync.WaitGroup
	for slot := range leaders {
		q := b.leader(slot, func(o *Options) { o.Slots = leaders })
		app := connect(t, b.url, false)
		wg.Go(func() {
			for range rounds {
				batch := claim(t, q, 7)
				mu.Lock()
				for _, c := range batch.Contacts {
					if other, held := holder[c.Key()]; held && other != slot {
						t.Errorf("%s claimed by %d while %d works on it", c.Email, slot, other)
					}
					holder[c.Key()] = slot
				}
				mu.Unlock()
				if _, err := app.Exec(t.Context(), `UPDATE contacts SET hubspot_processing_status = 'Queued'
					WHERE id IN (SELECT id FROM contacts ORDER BY random() LIMIT 5 FOR UPDATE SKIP LOCKED)`); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, c := range batch.Contacts {
					delete(holder, c.Key())
				}
				mu.Unlock()
				for len(batch.Contacts) > 0 {
					_, rest := settle(t, q, batch, synced)
					batch = rest.Batch
				}
			}
		})
	}
	wg.Wait()
	if n := b.claims(); n != "0" {
		t.Errorf("%s claims are left", n)
	}
}

// What an app's trigger makes of updated_at when the row is claimed does not decide
// which of two rows is the newer one.
func TestNewestBeforeTheClaim(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	b.exec(`CREATE FUNCTION moddatetime() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END'`)
	b.exec(`CREATE TRIGGER moddatetime BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION moddatetime()`)
	twins := b.twins(2) // the first of the queue is the older one, and so is claimed first
	b.exec(`ALTER TABLE contacts DISABLE TRIGGER moddatetime`)
	b.exec(`UPDATE contacts SET updated_at = CASE WHEN id = $1 THEN timestamptz '2026-01-02' ELSE '2026-01-01' END`, twins[0])
	b.exec(`ALTER TABLE contacts ENABLE TRIGGER moddatetime`)
	for name, take := range map[string]func(q *Queue) (contact.Batch, error){
		"claim":     func(q *Queue) (contact.Batch, error) { return q.Claim(t.Context(), contact.InOrder(10)) },
		"claim_ids": func(q *Queue) (contact.Batch, error) { return q.ClaimIDs(t.Context(), twins) },
	} {
		q := b.leader(0)
		batch, err := take(q)
		if err != nil {
			t.Fatal(err)
		}
		if groups := contact.Merge(batch.Contacts); len(groups) != 1 || groups[0].Contact.Name != "V1" {
			t.Errorf("%s: %+v is sent, want the newest values, V1", name, groups)
		}
		settle(t, q, batch, contact.Outcome{Verdict: contact.Unspent})
		die(t, q)
		b.exec(`ALTER TABLE contacts DISABLE TRIGGER moddatetime`)
		b.exec(`UPDATE contacts SET updated_at = CASE WHEN id = $1 THEN timestamptz '2026-01-02' ELSE '2026-01-01' END`, twins[0])
		b.exec(`ALTER TABLE contacts ENABLE TRIGGER moddatetime`)
	}
}

// A thousand rows of one email at the head of the queue, one of them in flight, do not
// keep the others waiting.
func TestABlockedHeadHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.twins(1000)
	one, two := b.leader(0), b.leader(1)
	claim(t, one, 1)
	others := b.queued(5)
	began := time.Now()
	wantClaimed(t, claim(t, two, 3), others[:3]...)
	t.Logf("a claim passes over 999 rows of a key in flight in %s", time.Since(began).Round(100*time.Microsecond))
	wantClaimed(t, claim(t, one, 10), others[3:]...)
}
