package queue

import (
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

func TestClaimTakesDueRetriesFirstThenTheOldest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(5)
	b.exec(`UPDATE contacts SET next_retry_at = now() - interval '1 min' WHERE id = $1`, ids[3])
	b.exec(`UPDATE contacts SET next_retry_at = now() - interval '2 min' WHERE id = $1`, ids[4])
	b.exec(`UPDATE contacts SET next_retry_at = now() + interval '1 min' WHERE id = $1`, ids[0])
	q := b.leader(0)
	var got []string
	for _, c := range claim(t, q, 3).Contacts {
		got = append(got, c.ID)
	}
	want := []string{ids[4], ids[3], ids[1]}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("claimed %v, want %v", got, want)
	}
	b.wantRow(ids[1], "Processing Processing tries=0 - - unscheduled")
	b.wantRow(ids[0], "Queued Queued tries=0 - - in 1min")
	if n := b.claims(); n != "3" {
		t.Errorf("%s claims, want 3", n)
	}
}

// A claim that is spread takes from all ends of the queue, each row once, and fills up
// from those that wait longest.
func TestClaimFromEverywhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(9)
	for i := range 4 { // due again, the last one first
		b.exec(`UPDATE contacts SET next_retry_at = now() - make_interval(mins => $2) WHERE id = $1`, ids[i], i+1)
	}
	q := b.leader(0)
	for _, test := range []struct {
		share contact.Share
		want  []string
	}{
		{contact.Share{Most: 3, Retries: 1, Newest: 1}, []string{ids[3], ids[8], ids[4]}},
		{contact.Share{Most: 1, Newest: 1}, []string{ids[7]}},
		{contact.Share{Most: 1}, []string{ids[5]}},
		{contact.Share{Most: 10, Retries: 2, Newest: 5}, []string{ids[2], ids[1], ids[6]}},
		{contact.Share{Most: 10, Newest: 5}, nil},
	} {
		batch, err := q.Claim(t.Context(), test.share)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range batch.Contacts {
			got = append(got, c.ID)
		}
		if strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%+v: claimed %v, want %v", test.share, got, test.want)
		}
	}
}

func TestClaimReadsTheContact(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.exec(`INSERT INTO contacts (id, email, name, phone_number, domain_id, page_id, hubspot_processing_status)
		VALUES ('11111111-1111-1111-1111-111111111111', 'A@Example.org', 'Ann Example', '+1 555', '22222222-2222-2222-2222-222222222222',
		        '33333333-3333-3333-3333-333333333333', 'Queued'),
		       ('44444444-4444-4444-4444-444444444444', NULL, NULL, NULL, NULL, NULL, 'Queued')`)
	b.exec(`UPDATE contacts SET updated_at = NULL WHERE email IS NULL`)
	got := map[string]contact.Contact{}
	for _, c := range claim(t, b.leader(0), 10).Contacts {
		if c.Email != "" && c.UpdatedAt.IsZero() {
			t.Error("updated_at is not read")
		}
		got[c.ID] = c
	}
	full := got["11111111-1111-1111-1111-111111111111"]
	want := contact.Contact{
		ID: "11111111-1111-1111-1111-111111111111", Email: "A@Example.org", Name: "Ann Example", Phone: "+1 555",
		DomainID: "22222222-2222-2222-2222-222222222222", PageID: "33333333-3333-3333-3333-333333333333", UpdatedAt: full.UpdatedAt, Version: full.Version, Request: full.Request,
		Extra: []string{},
	}
	if !reflect.DeepEqual(full, want) {
		t.Errorf("read %+v, want %+v", full, want)
	}
	empty := got["44444444-4444-4444-4444-444444444444"]
	if want := (contact.Contact{ID: empty.ID, Version: empty.Version, Request: empty.Request, Extra: []string{}}); !reflect.DeepEqual(empty, want) {
		t.Errorf("read %+v, want %+v", empty, want)
	}
}

// Many leaders at once, and apps that queue the same rows again and again: no
// contact is ever in two hands.
func TestNoContactIsClaimedTwice(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	b.queued(60)
	const leaders, rounds = 4, 60
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
					if other, held := holder[c.ID]; held {
						t.Errorf("%s claimed by %d while %d works on it", c.ID, slot, other)
					}
					holder[c.ID] = slot
				}
				mu.Unlock()
				if _, err := app.Exec(t.Context(), `UPDATE contacts SET hubspot_processing_status = 'Queued'
					WHERE id IN (SELECT id FROM contacts ORDER BY random() LIMIT 5 FOR UPDATE SKIP LOCKED)`); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, c := range batch.Contacts {
					delete(holder, c.ID)
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
}

// A claim finds its rows by an index, in the order in which they are due, and a
// settle never goes through its batch once a row, whatever the planner believes: with fresh statistics of a
// large queue, with those of an empty one, and with many claims in flight.
func TestPlansDoNotDependOnStatistics(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	q := b.leader(0)
	explain := func(name string, args pgx.NamedArgs) (plans map[string]string) {
		t.Helper()
		stmt := q.sql.Named(name)
		conn := q.session.(*session).conn
		plans = map[string]string{}
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			if _, err := conn.Exec(t.Context(), "SET plan_cache_mode = "+mode); err != nil {
				t.Fatal(err)
			}
			rows, err := conn.Query(t.Context(), "EXPLAIN "+stmt.SQL, stmt.Args(args)...)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			plans[mode] = strings.Join(plan, "\n")
			if strings.Contains(plans[mode], "Seq Scan") {
				t.Errorf("%s: reads a whole table:\n%s", mode, plans[mode])
			}
		}
		return plans
	}
	narrow := regexp.MustCompile(`Index Cond: .* AND \((key|remote_id) = `)
	check := func(state string) {
		t.Helper()
		for name, args := range map[string]pgx.NamedArgs{
			"claim":        {"most": 100, "destination": "hubspot", "slot": 0, "cycle": int64(1), "dead_after": 45.0},
			"claim_spread": {"most": 100, "retries": 33, "newest": 33, "destination": "hubspot", "slot": 0, "cycle": int64(1), "dead_after": 45.0},
			"candidates":   {"most": 100, "destination": "hubspot"},
		} {
			for mode, plan := range explain(name, args) {
				for _, want := range []string{"Index Scan using contacts_contactsync_queued", "Index Scan using contacts_contactsync_retry"} {
					if !strings.Contains(plan, want) {
						t.Errorf("%s, %s: no %s:\n%s", state, mode, want, plan)
					}
				}
				if strings.Contains(plan, "Sort Key: c") {
					t.Errorf("%s, %s: the queue is sorted, and not read in the order of an index:\n%s", state, mode, plan)
				}
			}
		}
		keys := [][]byte{digest("a")}
		for scans, plans := range map[int]map[string]string{
			2: explain("begin", pgx.NamedArgs{"destination": "hubspot", "cycle": int64(1), "keys": keys, "hashes": keys, "force": false}),
			4: explain("finish", pgx.NamedArgs{"destination": "hubspot", "cycle": int64(1), "keys": keys, "taken": []bool{true}, "remote_ids": []string{"77"}}),
		} {
			for mode, plan := range plans {
				n, doubts := strings.Count(plan, "Scan using sent_"), strings.Count(plan, "Scan using doubts_pkey")
				if n != scans || n+doubts != len(narrow.FindAllString(plan, -1)) {
					t.Errorf("%s, %s: reads all that was ever sent:\n%s", state, mode, plan)
				}
			}
		}
		for mode, plan := range explain("settle", q.settleArgs(contact.Answered{Batch: contact.Batch{Cycle: 1, ClaimedAt: time.Now()}})) {
			if strings.Count(plan, "Nested Loop") != 1 { // the lock, a row at a time
				t.Errorf("%s, %s: goes through the batch once a row:\n%s", state, mode, plan)
			}
		}
	}
	check("empty")
	b.exec(`INSERT INTO contactsync.sent (destination, key, remote_id) SELECT 'hubspot', sha256(i::text::bytea), i::text FROM generate_series(1, 20000) i`)
	b.queued(20000)
	check("stale statistics")
	b.exec(`UPDATE contacts SET next_retry_at = now() - interval '1 min' WHERE random() < 0.5`)
	b.exec(`INSERT INTO contactsync.claims (contact_id, destination, slot, cycle) SELECT gen_random_uuid(), 'hubspot', 9, 0 FROM generate_series(1, 2000)`)
	b.exec(`VACUUM ANALYZE contacts`)
	b.exec(`VACUUM ANALYZE contactsync.claims`)
	b.exec(`VACUUM ANALYZE contactsync.sent`)
	check("a full queue")
}

func TestClaimIDs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(3)
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Complete' WHERE id = $1`, ids[0])
	leader := b.leader(0)
	if n := len(claim(t, leader, 1).Contacts); n != 1 { // ids[1] is in flight now
		t.Fatalf("claimed %d", n)
	}
	batch, err := b.leader(1000).ClaimIDs(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	if len(batch.Contacts) != 2 {
		t.Errorf("claimed %d of a complete, a queued and an in-flight contact, want 2", len(batch.Contacts))
	}
	b.wantRow(ids[0], "Processing Processing tries=0 - - unscheduled")
}

// A row that cannot be claimed costs the others nothing, and ends in Error with
// the database's own words; one that cannot even end there is left alone.
func TestRowsThatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ condition, want string }{
		"to be Processing": {"NEW.hubspot_processing_status = 'Processing'", "Error Error tries=0 OTHER - unscheduled"},
		"to change at all": {"true", "Queued Queued tries=0 - - unscheduled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			ids := b.queued(5)
			b.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the app is against it''; END'`)
			b.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON contacts FOR EACH ROW WHEN (NEW.name = 'Name 2' AND ` + test.condition + `) EXECUTE FUNCTION refuse()`)
			q := b.leader(0)
			arm(t, q)
			if n := len(claim(t, q, 3).Contacts); n < 2 {
				t.Errorf("%d claimed beside a refused row, want the others", n)
			}
			b.wantRow(ids[1], test.want)
			claim(t, q, 5)
			if n := b.claims(); n != "4" {
				t.Errorf("%s claims, want those of the four good rows", n)
			}
			if state := arm(t, q); state.Due {
				t.Errorf("state %+v, want the refused row to be left alone", state)
			}
		})
	}
}

// Values at the edge of what a column can hold stop nobody.
func TestOddValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(6)
	for i, odd := range []string{
		"updated_at = 'infinity', hubspot_queued_at = 'infinity'", "updated_at = '-infinity', hubspot_queued_at = '-infinity'", "retry_count = 2147483647", "retry_count = -2000",
		"next_retry_at = '-infinity'", "next_retry_at = 'infinity'",
	} {
		b.exec(`SET contactsync.worker = 'on'`)
		b.exec(`UPDATE contacts SET `+odd+` WHERE email = 'c' || $1::int || '@example.org'`, i+1)
	}
	q := b.leader(0)
	if state := arm(t, q); !state.Due {
		t.Errorf("state %+v, want Due", state)
	}
	batch := claim(t, q, 10)
	if len(batch.Contacts) != 5 {
		t.Errorf("%d claimed, want all but the one that is never due", len(batch.Contacts))
	}
	settle(t, q, batch, contact.Outcome{Verdict: contact.Retry, Code: contact.CodeTimeout, Message: "x"})
	if n := b.claims(); n != "0" {
		t.Errorf("%s claims left", n)
	}
	b.exec(`UPDATE contacts SET next_retry_at = '9999-12-31' WHERE next_retry_at = 'infinity'`)
	b.exec(`UPDATE contacts SET hubspot_processing_status = NULL WHERE next_retry_at < '9999-01-01'`)
	if state := arm(t, q); state.Due || state.Next < 23*time.Hour {
		t.Errorf("state %+v, want a long sleep", state)
	}
}
