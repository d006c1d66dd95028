// Command goorms is an app on GORM or on ent, for TestGORM and TestEnt: see
// ../orms_test.go for the verbs. It is a module of its own, so that the product does not
// carry these libraries.
package main

import (
	"context"
	"fmt"
	"os"
)

// app is what a program does for the test.
type app interface {
	before(ctx context.Context) error
	after(ctx context.Context) error
	// propose lists what the ORM's own comparison with the database would change.
	propose(ctx context.Context) ([]string, error)
	create(ctx context.Context, email string, status *string) error
	queue(ctx context.Context, way, email string) error
	stale(ctx context.Context, email string) error
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: goorms gorm|ent VERB [ARGUMENT...]")
	}
	open := map[string]func(url string) (app, error){"gorm": openGORM, "ent": openEnt}[args[0]]
	if open == nil {
		return fmt.Errorf("no ORM %q", args[0])
	}
	a, err := open(os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	verb, args := args[1], args[2:]
	switch verb {
	case "before":
		return a.before(ctx)
	case "after":
		return a.after(ctx)
	case "proposes":
		changes, err := a.propose(ctx)
		for _, change := range changes {
			fmt.Println(change)
		}
		return err
	case "create":
		var status *string
		if len(args) > 1 {
			status = &args[1]
		}
		return a.create(ctx, args[0], status)
	case "queue":
		return a.queue(ctx, args[0], args[1])
	case "stale":
		return a.stale(ctx, args[0])
	}
	return fmt.Errorf("no verb %q", verb)
}
