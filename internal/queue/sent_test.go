package queue

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

func remembering(o *Options) { o.Remember = true }

// sending claims the next contact and begins to send it, as something of which
// hash stands. It answers whether that is needed, and the batch.
func sending(t *testing.T, q *Queue, hash string) (batch contact.Batch, needed bool) {
	t.Helper()
	batch = claim(t, q, 1)
	if len(batch.Contacts) != 1 {
		t.Fatalf("claimed %d contacts", len(batch.Contacts))
	}
	key := batch.Contacts[0].Key()
	unchanged, err := q.Begin(t.Context(), batch.Cycle, []contact.Sending{{Key: key, Hash: []byte(hash)}}, false)
	if err != nil {
		t.Fatal(err)
	}
	_, same := unchanged[key]
	return batch, !same
}

// send sends the next contact and settles it.
func send(t *testing.T, q *Queue, hash string, o contact.Outcome) (needed bool) {
	t.Helper()
	batch, needed := sending(t, q, hash)
	if !needed {
		o = contact.Outcome{Verdict: contact.Unchanged, RemoteID: o.RemoteID}
	}
	settle(t, q, batch, o)
	return needed
}

// requeue has all contacts due again, at once.
func (b *bench) requeue() {
	b.Helper()
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
}

func want(t *testing.T, what string, got, want bool) {
	t.Helper()
	if got != want {
		t.Errorf("%s: a request is needed: %t, want %t", what, got, want)
	}
}

func TestUnchangedNeedsNoRequest(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	ids := b.queued(1)
	q := b.leader(0, remembering)
	want(t, "at first", send(t, q, "V1", synced), true)
	b.requeue()
	want(t, "the same again", send(t, q, "V1", synced), false)
	b.wantRow(ids[0], "Complete Complete tries=0 - 77 unscheduled")
	if n := b.ask(`SELECT string_agg(concat_ws(' ', synced, skipped), ', ' ORDER BY id) FROM contactsync.cycles`); n != "1 0, 0 1" {
		t.Errorf("cycles counted %s, want one synced and one skipped", n)
	}
	b.requeue()
	want(t, "a change", send(t, q, "V2", synced), true)
	b.requeue()
	want(t, "back to what was before", send(t, q, "V1", synced), true)

	b.requeue()
	batch := claim(t, q, 1)
	list := []contact.Sending{{Key: batch.Contacts[0].Key(), Hash: []byte("V1")}}
	if unchanged, err := q.Begin(t.Context(), batch.Cycle, list, true); err != nil || len(unchanged) != 0 {
		t.Errorf("forced: %v unchanged, %v", unchanged, err)
	}
	settle(t, q, batch, synced)
	b.requeue()
	want(t, "after a forced one", send(t, q, "V1", synced), false)
	b.requeue()
	batch = claim(t, q, 1)
	list[0].Hash = nil
	if _, err := q.Begin(t.Context(), batch.Cycle, list, false); err != nil {
		t.Fatal(err)
	}
	settle(t, q, batch, synced)
	b.requeue()
	want(t, "after one that must not be remembered", send(t, q, "V1", synced), true)
}

// Whatever is not known to have been taken is sent again, and so is what was
// there before it.
func TestNothingIsSkippedInDoubt(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]contact.Outcome{
		"refused":            {Verdict: contact.Reject, Code: contact.CodeInvalidValue},
		"tried again later":  {Verdict: contact.Retry, Code: contact.CodeServerError},
		"cut":                {Verdict: contact.Unspent, InDoubt: true},
		"no answer":          {Verdict: contact.Retry, Code: contact.CodeTimeout, InDoubt: true},
		"taken, without id":  {Verdict: contact.Synced},
		"not sent after all": {Verdict: contact.Unspent},
	} {
		for _, next := range []string{"V1", "V2"} {
			t.Run(name+", then "+next, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.queued(1)
				q := b.leader(0, remembering)
				send(t, q, "V1", synced)
				b.requeue()
				want(t, "the change", send(t, q, "V2", o), true)
				b.pass()
				maintain(t, q)
				b.requeue()
				want(t, "after that "+next, send(t, q, next, synced), true)
				b.over()
				maintain(t, q)
				b.requeue()
				send(t, q, next, synced) // once more, where something older could have come
				b.requeue()
				want(t, "once that is settled", send(t, q, next, synced), false)
			})
		}
	}
	for _, next := range []string{"V1", "V2"} {
		t.Run("killed, then "+next, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queued(1)
			q := b.leader(0, remembering)
			send(t, q, "V1", synced)
			b.requeue()
			sending(t, q, "V2")
			die(t, q)
			b.pass()
			q = b.leader(0, remembering)
			maintain(t, q)
			b.requeue()
			want(t, "after that "+next, send(t, q, next, synced), true)
			b.over()
			maintain(t, q)
			b.requeue()
			want(t, "when the dead leader's request can land no more", send(t, q, next, synced), true)
			b.requeue()
			want(t, "once that is settled", send(t, q, next, synced), false)
		})
	}
}

// Two rows with one email overwrite each other, and so do two emails of one
// contact: what one of them has sent last does not count once the other has.
func TestTwoRowsOfOneContact(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]string{"one email": " C1@example.org", "two emails": "other@example.org"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			ids := b.queued(2)
			b.exec(`UPDATE contacts SET email = $1, hubspot_processing_status = NULL WHERE id = $2`, second, ids[1])
			q := b.leader(0, remembering)
			for range 2 {
				for i, hash := range []string{"V1", "V2"} {
					b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, ids[i])
					want(t, hash, send(t, q, hash, synced), true)
					b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, ids[i])
					want(t, hash+" again", send(t, q, hash, synced), false)
				}
			}

			// At the same time, by two leaders: nobody knows who came last.
			other := b.leader(1, remembering)
			b.requeue()
			one, _ := sending(t, q, "V3")
			if name == "one email" { // which is in flight once at a time
				wantClaimed(t, claim(t, other, 1))
				return
			}
			two, _ := sending(t, other, "V4")
			settle(t, q, one, synced)
			settle(t, other, two, synced)
			for _, hash := range []string{"V3", "V4"} {
				for _, c := range []contact.Batch{one, two} {
					b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, c.Contacts[0].ID)
					batch := claim(t, q, 1)
					list := []contact.Sending{{Key: c.Contacts[0].Key(), Hash: []byte(hash)}}
					unchanged, err := q.Begin(t.Context(), batch.Cycle, list, false)
					if len(unchanged) > 0 {
						t.Errorf("%s is trusted after two were under way at a time", hash)
					}
					if err != nil {
						t.Fatal(err)
					}
					settle(t, q, batch, contact.Outcome{Verdict: contact.Unspent}) // which leaves nothing to trust
				}
			}
		})
	}
}

// Two emails of which nobody knew yet that they lead to one contact are sent at the
// same time: nobody knows who came last, in whatever order they are settled.
func TestTwoRowsTurnOutToBeOneContact(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	for _, first := range []int{0, 1} {
		b := newBench(t)
		b.queued(2)
		q := b.leader(0, remembering)
		var under []contact.Batch
		for range 2 {
			batch, _ := sending(t, q, "V1")
			under = append(under, batch)
		}
		settle(t, q, under[first], synced)
		settle(t, q, under[1-first], synced)
		for _, batch := range under {
			b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, batch.Contacts[0].ID)
			again, needed := sending(t, q, "V1")
			want(t, "after both were under way", needed, true)
			settle(t, q, again, contact.Outcome{Verdict: contact.Unspent})
		}
	}
}

// What was taken last under one email is sent again while another one of the same
// contact is under way: that would come last.
func TestAnotherEmailOfTheContactIsUnderWay(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	ids := b.queued(2)
	q := b.leader(0, remembering)
	for range ids {
		want(t, "at first", send(t, q, "V1", synced), true)
	}
	requeue := func(id string) { b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, id) }
	requeue(ids[0])
	other, _ := sending(t, q, "V2")
	requeue(ids[1])
	batch, needed := sending(t, q, "V1")
	want(t, "beside the other", needed, true)
	settle(t, q, other, synced)
	settle(t, q, batch, synced)
	requeue(ids[1])
	want(t, "after both", send(t, q, "V1", synced), true)
	requeue(ids[1])
	want(t, "once that is settled", send(t, q, "V1", synced), false)
}

// A leader that sends without writing it down makes everything void: what was
// remembered before it, and what is while it leads.
func TestAForgetfulLeader(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	b.queued(1)
	q := b.leader(0, remembering)
	send(t, q, "V1", synced)
	forgetful := b.leader(1)
	for range 2 {
		b.requeue()
		want(t, "beside one that forgets", send(t, q, "V1", synced), true)
	}
	if err := forgetful.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.requeue()
	want(t, "after it", send(t, q, "V1", synced), true)
	b.requeue()
	want(t, "once that is settled", send(t, q, "V1", synced), false)
	if err := b.leader(1).Leave(t.Context()); err != nil { // one that came and went
		t.Fatal(err)
	}
	b.requeue()
	want(t, "after another one", send(t, q, "V1", synced), true)
}

// What HubSpot has taken is remembered although an app holds the row locked.
func TestALockedRowIsRemembered(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	ids := b.queued(1)
	q := b.leader(0, remembering)
	batch, _ := sending(t, q, "V1")
	tx, err := b.app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM contacts WHERE id = $1 FOR UPDATE`, ids[0]); err != nil {
		t.Fatal(err)
	}
	done, rest := settle(t, q, batch, synced)
	if len(done) != 0 || len(rest.Contacts) != 1 {
		t.Fatalf("settled %v beside a lock", done)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := q.Settle(t.Context(), rest); err != nil {
		t.Fatal(err)
	}
	b.requeue()
	want(t, "the same again", send(t, q, "V1", synced), false)
}

// BenchmarkRemember is what remembering adds to a cycle of 100 contacts: before the
// request, and in the settle after it.
func BenchmarkRemember(b *testing.B) {
	for _, test := range []struct {
		name     string
		remember bool
		hash     func(n int) string
	}{
		{"off", false, nil},
		{"changed", true, strconv.Itoa},
		{"unchanged", true, func(int) string { return "same" }},
	} {
		b.Run(test.name, func(b *testing.B) {
			db := newBench(b)
			db.queued(1000)
			db.exec(`VACUUM ANALYZE contacts`)
			q := db.leader(0, func(o *Options) { o.Remember = test.remember })
			var begins, settles []time.Duration
			for n := 0; b.Loop(); n++ {
				batch := claim(b, q, 100)
				list := make([]contact.Sending, len(batch.Contacts))
				outcomes := make([]contact.Outcome, len(batch.Contacts))
				for i, c := range batch.Contacts {
					list[i].Key = c.Key()
					outcomes[i] = contact.Outcome{Verdict: contact.Synced, RemoteID: c.ID} // a contact each
					if test.hash != nil {
						list[i].Hash = []byte(test.hash(n))
					}
				}
				began := time.Now()
				if test.remember {
					if _, err := q.Begin(b.Context(), batch.Cycle, list, false); err != nil {
						b.Fatal(err)
					}
				}
				begins = append(begins, time.Since(began))
				began = time.Now()
				if _, _, err := q.Settle(b.Context(), contact.Answered{Batch: batch, Report: contact.Report{Outcomes: outcomes}}); err != nil {
					b.Fatal(err)
				}
				settles = append(settles, time.Since(began))
				b.StopTimer()
				db.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE hubspot_processing_status = 'Complete'`)
				b.StartTimer()
			}
			slices.Sort(begins)
			slices.Sort(settles)
			b.ReportMetric(begins[len(begins)/2].Seconds()*1000, "median-ms/begin")
			b.ReportMetric(settles[len(settles)/2].Seconds()*1000, "median-ms/settle")
		})
	}
}
