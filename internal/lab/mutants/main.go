// Command mutants proves that the tests hold the promises: it breaks the code in
// one place at a time and shows that a test fails.
//
//	go run ./internal/lab/mutants             all of them, one after the other
//	go run ./internal/lab/mutants no          those whose name contains "no"
//
// The code is broken in a copy of the tree, never in the tree itself. A break
// that does not compile, or that no longer fits the code, is an error, not a
// success; and the tests concerned must pass on the copy as it is.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, strings.Join(os.Args[1:], " ")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		cancel()
		os.Exit(1)
	}
}

// run breaks everything whose name contains some text.
func run(ctx context.Context, name string) error {
	chosen := slices.DeleteFunc(slices.Clone(mutations), func(m mutation) bool { return !strings.Contains(m.name, name) })
	if len(chosen) == 0 {
		return fmt.Errorf("no mutation is called %q", name)
	}
	tree, remove, err := copyTree(ctx)
	if err != nil {
		return err
	}
	defer remove()
	began := time.Now()
	if err := tree.passes(ctx, chosen); err != nil {
		return err
	}
	fmt.Printf("%-38s %-32s %-38s %5.1f s\n", "(nothing broken)", "", "all pass", time.Since(began).Seconds())

	var survivors []string
	for _, m := range chosen {
		began := time.Now()
		noticed, err := tree.notices(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if noticed == "" {
			noticed = "SURVIVED"
			survivors = append(survivors, m.name)
		}
		fmt.Printf("%-38s %-32s %-38s %5.1f s\n", m.name, m.file, noticed, time.Since(began).Seconds())
	}
	if len(survivors) > 0 {
		return fmt.Errorf("no test notices: %s", strings.Join(survivors, ", "))
	}
	return nil
}

// apply is the text of a file after the break.
func (m mutation) apply(text string) (string, error) {
	switch n := strings.Count(text, m.old); {
	case m.old == m.new:
		return "", errors.New("it changes nothing")
	case n != 1:
		return "", fmt.Errorf("%s holds the text to change %d times, not once; the code moved on: change table.go too", m.file, n)
	}
	return strings.Replace(text, m.old, m.new, 1), nil
}
