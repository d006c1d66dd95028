package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// Nobody rings when a stranger's row lock goes. The rows must be found all the
// same, though the tick is an hour away.
func TestStrangersLocksKeepNobodyAsleep(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (email, name) SELECT 'c' || i || '@example.org', 'Name' FROM generate_series(1, 20) i`)
	in.Start(in.Env(), "run").Wait("notifications arrive", 1) // until then it looks every second
	in.AwaitAsleep()
	var apps sync.WaitGroup
	for i := 1; i <= 20; i++ {
		app := in.Connect()
		apps.Go(func() {
			email := fmt.Sprintf("c%d@example.org", i)
			do := func(sql string, args ...any) {
				if _, err := app.Exec(t.Context(), sql, args...); err != nil {
					t.Error(err)
				}
			}
			do(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = $1`, email)
			do(`BEGIN`)
			do(`UPDATE contacts SET phone_number = '1' WHERE email = $1`, email)
			do(`SELECT pg_sleep(0.03)`)
			do(`COMMIT`)
		})
	}
	apps.Wait()
	in.Await("20", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
}

// Apps write as apps do: in transactions that commit late, roll back, use
// savepoints, change rows while they are in flight and save whole rows. In the
// end HubSpot has the last committed version of every contact, although the tick
// is an hour away and a leader is killed on the way.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	const contacts, apps, rounds = 40, 4, 60
	in.Exec(`INSERT INTO contacts (email, name, phone_number) SELECT 'c' || i || '@example.org', 'Name', '0' FROM generate_series(1, $1::int) i`, contacts)
	env := in.Env("HUBSPOT_TIMEOUT=1s", "HUBSPOT_RATE_LIMIT_PER_10S=1000", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=200ms", "HUBSPOT_SYNC_MAX_RETRIES=100")
	replicas := []*progtest.Process{in.Start(env, "run"), in.Start(env, "run")}
	in.AwaitAsleep()
	var writers sync.WaitGroup
	for a := range apps {
		app := in.Connect()
		chance := rand.New(rand.NewPCG(1, uint64(a)))
		writers.Go(func() {
			for round := range rounds {
				if err := write(t.Context(), app, chance, contacts, a*rounds+round+1); err != nil {
					t.Errorf("app %d: %v", a, err)
					return
				}
			}
		})
	}
	leading := slices.IndexFunc(replicas, func(p *progtest.Process) bool { return p.Is(in.Leader()) })
	if leading < 0 {
		t.Fatal("none of the replicas leads")
	}
	replicas[leading].Kill()
	writers.Wait()
	in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IN ('Queued', 'Processing')`)
	in.Await("0", `SELECT count(*)::text FROM contactsync.claims`)
	in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Error'`)
	rows, err := in.App.Query(t.Context(), `SELECT email, phone_number FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	if err != nil {
		t.Fatal(err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Email, Version string }])
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		if c, _ := in.Sim.Contact(v.Email); c.Properties["phone"] != v.Version {
			t.Errorf("%s is at version %q in HubSpot, committed was %q", v.Email, c.Properties["phone"], v.Version)
		}
	}
	t.Logf("%d contacts synced in the end, %d writes at HubSpot", len(versions), len(in.Sim.Writes()))
	if len(versions) == 0 {
		t.Error("no contact was synced")
	}
}

// write is one transaction of an app, on one contact, in one of many ways.
func write(ctx context.Context, app *pgx.Conn, chance *rand.Rand, contacts, version int) error {
	email := fmt.Sprintf("c%d@example.org", 1+chance.IntN(contacts))
	const save = `UPDATE contacts SET phone_number = $2::text, hubspot_processing_status = 'Queued', updated_at = now() WHERE email = $1`
	tx, err := app.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	number := fmt.Sprint(version)
	switch chance.IntN(5) {
	case 0: // a savepoint that is rolled back, and one that is kept
		if _, err := tx.Exec(ctx, `SAVEPOINT a`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, save, email, "-1"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `ROLLBACK TO a`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, save, email, number); err != nil {
			return err
		}
	case 1: // everything is rolled back
		_, err := tx.Exec(ctx, save, email, "-2")
		return err
	default:
		if _, err := tx.Exec(ctx, save, email, number); err != nil {
			return err
		}
	}
	if chance.IntN(3) == 0 { // commits late
		if _, err := tx.Exec(ctx, `SELECT pg_sleep($1)`, chance.Float64()*0.05); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}
