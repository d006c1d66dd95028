package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/jackc/pgx/v5"
)

// riverClient is a process with a River client that works until it is killed.
func riverClient(ctx context.Context, at place, args []string) (found answer, err error) {
	var id string
	if err := parse(args, func(flags *flag.FlagSet) { flags.StringVar(&id, "id", "", "of the client") }); err != nil {
		return found, err
	}
	client, pool, err := open(ctx, at, options{id: id, workers: 10, work: func(context.Context, syncArgs) error { return nil }})
	if err != nil {
		return found, err
	}
	defer stop(ctx, client, pool)
	if err := client.Start(ctx); err != nil {
		return found, fmt.Errorf("start: %w", err)
	}
	<-ctx.Done()
	return found, nil
}

// riverFailover kills the leader of two clients again and again, and answers the
// times until the other one leads.
func riverFailover(ctx context.Context, at place, args []string) (found answer, err error) {
	var times int
	if err := parse(args, func(flags *flag.FlagSet) { flags.IntVar(&times, "times", 1, "how often") }); err != nil {
		return found, err
	}
	client, pool, err := open(ctx, at, options{workers: 1}) // brings the database to River's version
	if err != nil {
		return found, err
	}
	defer stop(ctx, client, pool)
	team := map[string]*exec.Cmd{}
	defer func() {
		for _, cmd := range team {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	hire := func(id string) error {
		cmd := exec.CommandContext(ctx, os.Args[0], "river-client", "--id", id)
		cmd.Stderr = os.Stderr
		if _, err := cmd.StdinPipe(); err != nil { // it ends when we do
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		team[id] = cmd
		return nil
	}
	leader := ""
	for i := range times + 1 {
		if err := hire(fmt.Sprintf("client-%d", i)); err != nil {
			return found, err
		}
		if i == 0 {
			if leader, err = awaitLeader(ctx, pool, ""); err != nil {
				return found, err
			}
			continue
		}
		if err := pause(ctx, 2*time.Second); err != nil { // the new one waits for its turn by then
			return found, err
		}
		killed := time.Now()
		if err := team[leader].Process.Kill(); err != nil {
			return found, err
		}
		_ = team[leader].Wait() // it was killed
		delete(team, leader)
		if leader, err = awaitLeader(ctx, pool, leader); err != nil {
			return found, err
		}
		found.add(time.Since(killed))
	}
	return found, nil
}

// querier is a pool.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// awaitLeader waits until another client than not leads.
func awaitLeader(ctx context.Context, db querier, not string) (string, error) {
	for end := time.Now().Add(2 * patience); time.Now().Before(end); {
		var id string
		err := db.QueryRow(ctx, `SELECT leader_id FROM river_leader WHERE expires_at > now()`).Scan(&id)
		switch {
		case err == nil && id != not:
			return id, nil
		case err != nil && !errors.Is(err, pgx.ErrNoRows):
			return "", fmt.Errorf("ask who leads: %w", err)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return "", err
		}
	}
	return "", errors.New("nobody leads")
}
