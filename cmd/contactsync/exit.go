package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/scrapersky/contactsync/internal/config"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command that was called in a way that cannot be meant.
type usageError struct{ text string }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

func (e *usageError) Error() string { return e.text }

// failure is an error of a command's work, not of the arguments it was given.
type failure struct{ err error }

func (e *failure) Error() string { return e.err.Error() }

func (e *failure) Unwrap() error { return e.err }

// isUsage says whether the arguments are to blame: cobra says so before any work
// began, or the command itself.
func isUsage(err error) bool {
	_, worked := errors.AsType[*failure](err)
	_, usage := errors.AsType[*usageError](err)
	return usage || !worked
}

func exitCode(err error) int {
	if _, bad := errors.AsType[*config.Error](err); bad || isUsage(err) {
		return exitUsage
	}
	return exitFailed
}

// anyOf lists words: "up, down or status".
func anyOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
