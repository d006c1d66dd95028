package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

var timedOut = contact.Outcome{Verdict: contact.Retry, Code: contact.CodeTimeout, Message: "no answer", InDoubt: true}

// doubts returns what is in doubt: how many seconds more, and what was sent since.
func (b *bench) doubts() string {
	b.Helper()
	return b.ask(`SELECT coalesce(string_agg(round(extract(epoch FROM coalesce(d.until, d.retry_at) - now())) || 's ' ||
		coalesce((SELECT string_agg(c.name, ' ' ORDER BY c.name) FROM contacts c WHERE c.id::text = ANY (d.newer)), '-'), ', ' ORDER BY d.until, d.retry_at), 'nothing')
		FROM contactsync.doubts d`)
}

func (b *bench) wantDoubts(want string) {
	b.Helper()
	if got := b.doubts(); got != want {
		b.Errorf("in doubt is %q, want %q", got, want)
	}
}

// over lets the doubts pass.
func (b *bench) over() {
	b.Helper()
	b.exec(`UPDATE contactsync.doubts SET until = CASE WHEN until IS NOT NULL THEN now() - interval '1 s' END, retry_at = CASE WHEN retry_at IS NOT NULL THEN now() - interval '1 s' END`)
}

// edit has the app rename a contact to V2 and queue it.
func (b *bench) edit(id string) {
	b.Helper()
	b.exec(`UPDATE contacts SET name = 'V2', hubspot_processing_status = 'Queued' WHERE id = $1`, id)
}

func shortDoubt(o *Options) {
	o.Timeout, o.Doubt, o.RetryDelay = 30*time.Second, 2*time.Minute, time.Minute/2
}

// What was sent after a request that may still land is sent once more when that is over.
func TestNewerIsSentAgainAfterTheDoubt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.queued(1)[0]
	q := b.leader(0, shortDoubt)
	settle(t, q, claim(t, q, 1), timedOut)
	b.wantDoubts("120s -")
	b.edit(id)
	b.pass() // the quarantine
	maintain(t, q)
	settle(t, q, claim(t, q, 1), synced)
	b.wantDoubts("120s V2")
	if state := arm(t, q); state.Due || state.Dead || state.Next < 110*time.Second || state.Next > 2*time.Minute {
		t.Errorf("state %+v, want to look again when the doubt is over", state)
	}
	if n := maintain(t, q); n != 0 {
		t.Errorf("%d rows queued before that", n)
	}
	b.over()
	if state := arm(t, q); !state.Dead {
		t.Errorf("state %+v, want something to be done", state)
	}
	if n := maintain(t, q); n != 1 {
		t.Errorf("%d rows queued again, want 1", n)
	}
	b.wantRow(id, "Queued Queued tries=0 - 77 due")
	b.wantDoubts("nothing")
	settle(t, q, claim(t, q, 1), synced)
	b.wantDoubts("nothing")
}

// The ordinary retry of a request that was not answered needs no second one.
func TestTheSameSentAgainIsNotNewer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.queued(1)[0]
	q := b.leader(0, shortDoubt)
	settle(t, q, claim(t, q, 1), timedOut)
	b.pass()
	maintain(t, q)
	b.exec(`SET contactsync.worker = 'on'`)
	b.exec(`UPDATE contacts SET next_retry_at = now()`)
	settle(t, q, claim(t, q, 1), synced)
	b.wantDoubts("120s -")
	b.over()
	maintain(t, q)
	b.wantDoubts("nothing")
	b.wantRow(id, "Complete Complete tries=1 - 77 unscheduled")
}

// A row that is to be tried again is overtaken by another one of its email: the one that
// was queued last stays.
func TestAnOlderRowThatIsTriedLater(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	twins := b.twins(2)
	q := b.leader(0, shortDoubt)
	settle(t, q, claim(t, q, 1), contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError, Message: "503"})
	newer := claim(t, q, 1)
	wantClaimed(t, newer, twins[1])
	settle(t, q, newer, synced)
	if got := b.doubts(); !strings.HasSuffix(got, "s V2") {
		t.Errorf("in doubt is %q, want V2 to be sent again", got)
	}
	b.exec(`SET contactsync.worker = 'on'`)
	b.exec(`UPDATE contacts SET next_retry_at = now() WHERE id = $1`, twins[0])
	older := claim(t, q, 1)
	wantClaimed(t, older, twins[0])
	settle(t, q, older, synced) // HubSpot has V1 now
	b.over()
	maintain(t, q)
	wantClaimed(t, claim(t, q, 10), twins[1])
}

// A retry that is far does not put off the end of a doubt.
func TestADoubtEndsBeforeTheRetry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.queued(1)[0]
	q := b.leader(0, shortDoubt, func(o *Options) { o.RetryDelay = time.Hour })
	settle(t, q, claim(t, q, 1), timedOut)
	b.edit(id)
	b.pass()
	maintain(t, q)
	settle(t, q, claim(t, q, 1), synced)
	b.exec(`UPDATE contactsync.doubts SET until = now()`)
	if n := maintain(t, q); n != 1 {
		t.Errorf("%d rows queued again, want 1", n)
	}
	settle(t, q, claim(t, q, 1), synced)
	b.over() // the retry was that of the same row
	if n := maintain(t, q); n != 0 {
		t.Errorf("%d rows queued again, want none", n)
	}
	b.wantDoubts("nothing")
}

// A dead leader's request may land late as well, whatever row has its key by then.
func TestADeadLeadersRequestMayLandLate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.twins(1)
	dead := b.leader(0, shortDoubt)
	claim(t, dead, 1)
	die(t, dead)
	b.exec(`DELETE FROM contacts`)
	again := b.twins(1)[0]
	b.pass()
	q := b.leader(0, shortDoubt)
	maintain(t, q)
	b.wantDoubts("120s -")
	settle(t, q, claim(t, q, 1), synced)
	b.wantDoubts("120s V1")
	b.over()
	if n := maintain(t, q); n != 1 {
		t.Errorf("%d rows queued again, want 1", n)
	}
	b.wantRow(again, "Queued Queued tries=0 - 77 due")
}

// How long a claim lasts is for its own leader to say, not for the one who rescues.
func TestTheQuarantineIsTheSenders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1)
	dead := b.leader(1, func(o *Options) { o.Timeout = 5 * time.Minute })
	claim(t, dead, 1)
	die(t, dead)
	q := b.leader(0, func(o *Options) { o.Timeout = time.Second })
	b.exec(`UPDATE contactsync.claims SET claimed_at = claimed_at - interval '5 min'`)
	maintain(t, q)
	if state := arm(t, q); state.Dead || b.claims() != "1" || state.Next > 15*time.Second {
		t.Errorf("state %+v and %s claims, want the sender's quarantine to last 15 s more", state, b.claims())
	}
	b.exec(`UPDATE contactsync.claims SET claimed_at = claimed_at - interval '15 s'`)
	maintain(t, q)
	if n := b.claims(); n != "0" {
		t.Errorf("%s claims", n)
	}
}

// Whatever else became of the row decides: it is sent anyway, is on its way, or is not
// to be sent.
func TestTheEndOfADoubt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile string
		row       string
		left      string
	}{
		"nothing":       {`SELECT 1`, "Queued Queued tries=0 - 77 due", "nothing"},
		"queued again":  {`UPDATE contacts SET hubspot_processing_status = 'Queued'`, "Queued Complete tries=0 - 77 unscheduled", "nothing"},
		"not to be":     {`UPDATE contacts SET hubspot_processing_status = NULL`, "Complete tries=0 - 77 unscheduled", "nothing"},
		"refused since": {`UPDATE contacts SET hubspot_processing_status = 'Error'`, "Error Complete tries=0 - 77 unscheduled", "nothing"},
		"in flight": {
			`INSERT INTO contactsync.claims (contact_id, destination, slot, cycle, key, holds_key)
			SELECT c.id, 'hubspot', 9, 1, d.key, true FROM contacts c, contactsync.doubts d`,
			"Complete Complete tries=0 - 77 unscheduled", "-1s V2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.queued(1)[0]
			q := b.leader(0, shortDoubt)
			settle(t, q, claim(t, q, 1), timedOut)
			b.edit(id)
			b.pass()
			maintain(t, q)
			settle(t, q, claim(t, q, 1), synced)
			b.exec(test.meanwhile)
			b.over()
			maintain(t, q)
			b.wantRow(id, test.row)
			b.wantDoubts(test.left)
		})
	}
	t.Run("deleted", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		id := b.queued(1)[0]
		q := b.leader(0, shortDoubt)
		settle(t, q, claim(t, q, 1), timedOut)
		b.edit(id)
		b.pass()
		maintain(t, q)
		settle(t, q, claim(t, q, 1), synced)
		b.exec(`DELETE FROM contacts`)
		b.over()
		maintain(t, q)
		b.wantDoubts("nothing")
	})
}

// What is sent once more is not taken for unchanged.
func TestNothingIsRememberedInDoubt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.queued(1)[0]
	remember := func(o *Options) { shortDoubt(o); o.Remember = true }
	q := b.leader(0, remember)
	send := func(hash string, o contact.Outcome) (unchanged int) {
		t.Helper()
		batch := claim(t, q, 1)
		same, err := q.Begin(t.Context(), batch.Cycle, []contact.Sending{{Key: batch.Contacts[0].Key(), Hash: []byte(hash)}}, false)
		if err != nil {
			t.Fatal(err)
		}
		settle(t, q, batch, o)
		return len(same)
	}
	send("V1", timedOut)
	b.edit(id)
	b.pass()
	maintain(t, q)
	send("V2", synced)
	b.over()
	maintain(t, q)
	if send("V2", synced) != 0 {
		t.Error("V2 is not sent again: it counts as unchanged")
	}
	b.edit(id)
	if send("V2", contact.Outcome{Verdict: contact.Unchanged}) != 1 {
		t.Error("V2 is sent a third time, with nothing in doubt")
	}
}

// A row that refuses to be queued again keeps nobody else from being sent again, and is
// tried until it is.
func TestARefusingRowEndsNoOtherDoubt(t *testing.T) {
	t.Parallel()
	for name, refuses := range map[string]string{
		"refused": `RAISE EXCEPTION 'archived rows may not change';`,
		"vetoed":  `RETURN NULL;`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			ids := b.queued(2)
			log, logged := told()
			q := b.leader(0, shortDoubt, logged)
			settle(t, q, claim(t, q, 2), timedOut)
			for _, id := range ids {
				b.edit(id)
			}
			b.pass()
			maintain(t, q)
			settle(t, q, claim(t, q, 2), synced)
			b.wantDoubts("120s V2, 120s V2")
			b.exec(`CREATE FUNCTION archive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF NEW.id = '` + ids[0] + `' THEN ` + refuses + ` END IF; RETURN NEW; END $$`)
			b.exec(`CREATE TRIGGER archive BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION archive()`)
			b.over()
			if n := maintain(t, q); n != 1 {
				t.Errorf("%d rows queued again, want the other one", n)
			}
			b.wantRow(ids[1], "Queued Queued tries=0 - 77 due")
			b.wantDoubts("60s V2")
			if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "archive on contacts") {
				t.Errorf("%d warnings, want one that names the trigger:\n%s", n, log)
			}
			b.exec(`DROP TRIGGER archive ON contacts`)
			b.over()
			if n := maintain(t, q); n != 1 {
				t.Errorf("%d rows queued again once it may be", n)
			}
			b.wantDoubts("nothing")
		})
	}
}

// A request without an answer may land after another row of its key, also where its own
// outcome cannot be written.
func TestAnUnwrittenOutcomeIsInDoubtAllTheSame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1)
	q := b.leader(0, shortDoubt)
	batch := claim(t, q, 1)
	b.exec(`CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`)
	b.exec(`CREATE TRIGGER guard BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION guard()`)
	answered := contact.Answered{Batch: batch, Report: contact.Report{Outcomes: []contact.Outcome{timedOut}}}
	if _, _, err := q.Settle(t.Context(), answered); !errors.Is(err, contact.ErrVetoed) {
		t.Errorf("settled: %v, want the veto", err)
	}
	b.wantDoubts("120s -")
}
