package queue

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
)

// tryAgain ends the minute for which refused rows are left alone.
func (b *bench) tryAgain(q *Queue) {
	b.Helper()
	b.exec(`UPDATE contactsync.claims SET until = now() WHERE refusal IS NOT NULL`)
	if err := q.do(b.Context(), "expire", func(ctx context.Context, conn *pgx.Conn) error { return q.expireQuarantine(ctx, conn) }); err != nil {
		b.Fatal(err)
	}
}

// refusals is what other processes see of them.
func (b *bench) refusals() string {
	b.Helper()
	return b.ask(`SELECT coalesce(string_agg(concat_ws(' ', stage, code, nullif(source, ''), (SELECT count(*) FROM contactsync.claims x WHERE x.refusal = r.id)), ', '
		ORDER BY stage, code), 'none') FROM contactsync.refusals r`)
}

// told makes a queue's log readable.
func told() (*bytes.Buffer, func(*Options)) {
	var log bytes.Buffer
	return &log, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) }
}

// against puts something of the app's on contacts that is against every write, and
// returns how to take it off again.
var against = map[string]struct{ up, down, code, source, words string }{
	"a setting of the app's": {
		`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM current_setting('app.user_id'); RETURN NULL; END $$;
		 CREATE TRIGGER audit AFTER UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION audit()`,
		`DROP TRIGGER audit ON contacts`, "42704", "trigger audit on contacts", `unrecognized configuration parameter "app.user_id"`,
	},
	"before the row": {
		`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'nobody may' USING ERRCODE = 'check_violation'; END $$;
		 CREATE TRIGGER "An audit" BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION audit()`,
		`DROP TRIGGER "An audit" ON contacts`, "23514", "trigger An audit on contacts", "nobody may",
	},
	"at the end": {
		`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'nobody may'; END $$;
		 CREATE CONSTRAINT TRIGGER audit AFTER UPDATE ON contacts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit()`,
		`DROP TRIGGER audit ON contacts`, "P0001", "trigger audit on contacts", "nobody may",
	},
	"a trigger's condition": {
		`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		 CREATE TRIGGER audit AFTER UPDATE ON contacts FOR EACH ROW WHEN (NEW.name <> current_setting('app.user_id')) EXECUTE FUNCTION audit()`,
		`DROP TRIGGER audit ON contacts`, "42704", "", `unrecognized configuration parameter "app.user_id"`,
	},
	"a CHECK": {
		`ALTER TABLE contacts ADD CONSTRAINT only_ours CHECK (hubspot_processing_status IN ('New', 'Queued', 'Done', 'Failed'))`,
		`ALTER TABLE contacts DROP CONSTRAINT only_ours`, "23514", "constraint only_ours", `violates check constraint "only_ours"`,
	},
	"a statement trigger's own rows": {
		`CREATE TABLE audit (who text NOT NULL);
		 CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NULL); RETURN NULL; END $$;
		 CREATE TRIGGER audit AFTER UPDATE ON contacts EXECUTE FUNCTION audit()`,
		`DROP TRIGGER audit ON contacts`, "23502", "trigger audit on contacts", "null value in column",
	},
	"a trigger that skips rows": {
		`CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		 CREATE TRIGGER guard BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION guard()`,
		`DROP TRIGGER guard ON contacts`, Veto, "one of the triggers guard on contacts", "returned NULL",
	},
}

// Rows that refuse every write stay Queued, cost no other row anything, and are told of
// once: in the log and, for as long as it lasts, where other processes look. When what
// was against it is gone they are synced.
func TestRefusalsAreTold(t *testing.T) {
	t.Parallel()
	for name, a := range against {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queued(3)
			b.exec(a.up)
			log, logged := told()
			q := b.leader(0, logged)
			for range 3 {
				if batch := claim(t, q, 2); len(batch.Contacts) > 0 {
					t.Fatalf("claimed %v, want none", batch.Contacts)
				}
				if state := arm(t, q); state.Due && b.refusals() != "none" && strings.HasSuffix(b.refusals(), " 3") {
					t.Error("there is no sleep because of them")
				}
			}
			want := strings.TrimSpace("claim "+a.code+" "+a.source) + " 3"
			if got := b.refusals(); got != want {
				t.Errorf("refusals are %q, want %q", got, want)
			}
			b.tryAgain(q)
			claim(t, q, 10)
			if got := b.refusals(); got != want {
				t.Errorf("when they are tried again, refusals are %q, want %q", got, want)
			}
			if n := strings.Count(log.String(), "level=WARN"); n != 1 {
				t.Errorf("%d warnings, want one:\n%s", n, log)
			}
			for _, part := range []string{a.words, a.source, "sqlstate=" + a.code} {
				if !strings.Contains(strings.ReplaceAll(log.String(), `\"`, `"`), part) {
					t.Errorf("the log does not say %q:\n%s", part, log)
				}
			}
			trial, err := Try(t.Context(), connect(t, b.url, true), target)
			if err != nil || len(trial.Refused) == 0 || !strings.Contains(trial.Refused[0].Why, a.words) || trial.Refused[0].Source != a.source {
				t.Errorf("a try finds %+v (%v), want what refuses", trial, err)
			}

			b.exec(a.down)
			b.tryAgain(q)
			if n := len(claim(t, q, 10).Contacts); n != 3 {
				t.Errorf("%d claimed afterwards, want all", n)
			}
			if got := b.refusals(); !strings.HasSuffix(got, " 0") {
				t.Errorf("refusals are %q afterwards", got)
			}
		})
	}
}

// A refusal that went away and comes back is told again; one of another trigger is
// another one.
func TestRefusalsAreToldAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1)
	log, logged := told()
	q := b.leader(0, logged)
	meet := func(name string, warnings int) {
		t.Helper()
		b.exec(against[name].up)
		claim(t, q, 10)
		if n := strings.Count(log.String(), "level=WARN"); n != warnings {
			t.Errorf("%s: %d warnings, want %d:\n%s", name, n, warnings, log)
		}
		b.exec(against[name].down)
		b.exec(`DROP FUNCTION IF EXISTS audit(), guard()`)
		b.tryAgain(q)
	}
	meet("before the row", 1)
	meet("before the row", 1) // within the minute: it may be that it was never gone
	meet("a CHECK", 2)
	b.exec(`UPDATE contactsync.refusals SET again_at = now() - interval '2 minutes'`)
	meet("before the row", 3)
	q = b.leader(1, logged)
	meet("before the row", 4) // another process has another log
}

// However many rows are refused, those behind them are claimed; and when they are tried
// again, a hundred at a time.
func TestManyRefusedRowsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1500)
	b.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the app is against it''; END'`)
	b.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON contacts FOR EACH ROW WHEN (NEW.name <> 'Name 1500') EXECUTE FUNCTION refuse()`)
	q := b.leader(0)
	batch := contact.Batch{}
	for tries := 0; len(batch.Contacts) == 0; tries++ {
		if tries > 3 {
			t.Fatal("the good row is not claimed")
		}
		batch = claim(t, q, 500)
	}
	b.tryAgain(q)
	if n := b.ask(`SELECT count(*)::text FROM contactsync.claims WHERE refusal IS NOT NULL`); n != "1399" {
		t.Errorf("%s are left alone still, want all but a hundred", n)
	}
	if state := arm(t, q); !state.Dead {
		t.Errorf("state %+v, want the next hundred to be tried", state)
	}
}

// What a role may not do is no row's fault, and told like a refusal while it lasts.
func TestMissingRightsAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(2)
	mend := b.refuse("contacts", "42501", "true")
	log, logged := told()
	q := b.leader(0, logged)
	for range 3 {
		if _, err := q.Claim(t.Context(), contact.InOrder(2)); err == nil {
			t.Fatal("claimed without the right")
		}
	}
	if got := b.refusals(); got != "claim 42501 trigger refuse on contacts 0" {
		t.Errorf("refusals are %q", got)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "trigger refuse on contacts") {
		t.Errorf("%d warnings, want one that names the trigger:\n%s", n, log)
	}
	mend()
	if n := len(claim(t, q, 2).Contacts); n != 2 {
		t.Errorf("%d claimed afterwards", n)
	}
	if got := b.refusals(); got != "none" {
		t.Errorf("refusals are %q when it is over", got)
	}
}

// An outcome that cannot be written is told as well, for as long as it lasts.
func TestRefusedOutcomeIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1)
	log, logged := told()
	q := b.leader(0, logged)
	batch := claim(t, q, 1)
	b.exec(against["a setting of the app's"].up)
	answered := contact.Answered{Batch: batch, Report: contact.Report{Outcomes: []contact.Outcome{synced}}}
	for range 2 {
		if _, _, err := q.Settle(t.Context(), answered); err == nil {
			t.Fatal("settled")
		}
	}
	if got := b.refusals(); got != "settle 42704 trigger audit on contacts 1" {
		t.Errorf("refusals are %q", got)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, log)
	}
	b.exec(against["a setting of the app's"].down)
	if done, _ := settle(t, q, batch, synced); len(done) != 1 {
		t.Errorf("settled %v afterwards", done)
	}
	if got := b.refusals(); !strings.HasSuffix(got, " 0") {
		t.Errorf("refusals are %q afterwards", got)
	}
}

// A person who syncs a contact by hand does not wait for the minute.
func TestSyncByHandTriesARefusedRow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(1)
	q := b.leader(0)
	b.exec(against["before the row"].up)
	claim(t, q, 1)
	b.exec(against["before the row"].down)
	if batch, err := b.leader(destination.ManualSlot).ClaimIDs(t.Context(), ids); err != nil || len(batch.Contacts) != 1 {
		t.Errorf("claimed %v (%v)", batch.Contacts, err)
	}
}

// A try leaves nothing behind: no row, no claim, no number.
func TestTryLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	conn := connect(t, b.url, true)
	if trial, err := Try(t.Context(), conn, target); err != nil || len(trial.Tried)+len(trial.Refused) > 0 {
		t.Errorf("of an empty table %+v (%v)", trial, err)
	}
	b.queued(2)
	const all = `SELECT md5(string_agg(c::text, ' ' ORDER BY c.id)) || (SELECT count(*) FROM contactsync.claims) || (SELECT count(*) FROM contactsync.cycles)
		|| (SELECT last_value FROM contactsync.cycles_id_seq) FROM contacts c`
	before := b.ask(all)
	trial, err := Try(t.Context(), conn, target)
	if err != nil || len(trial.Tried) == 0 || len(trial.Refused) > 0 {
		t.Errorf("tried %+v (%v)", trial, err)
	}
	if after := b.ask(all); after != before {
		t.Error("something was changed")
	}
}

// Rows that are refused, at the head of the queue, keep those behind them from no claim.
func TestRefusedRowsAtTheHeadAreSetAside(t *testing.T) {
	t.Parallel()
	for name, refuses := range map[string]string{"refused": `RAISE EXCEPTION ''no'';`, "vetoed": `RETURN NULL;`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			ids := b.queued(101)
			b.exec(`CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.name <> ''Name 101'' THEN ` + refuses + ` END IF; RETURN NEW; END'`)
			b.exec(`CREATE TRIGGER guard BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION guard()`)
			q := b.leader(0)
			wantClaimed(t, claim(t, q, 10), ids[100])
		})
	}
}
