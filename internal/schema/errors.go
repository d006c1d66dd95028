package schema

import (
	"fmt"
	"strings"
	"time"
)

// NotMigratedError says that the database lacks what this binary needs.
type NotMigratedError struct {
	Pending []string // the migrations that are missing; never empty
}

// Error names the remedy.
func (e *NotMigratedError) Error() string {
	return "the database is not migrated (missing: " + strings.Join(e.Pending, ", ") + "): run `contactsync migrate up`"
}

// StaleTriggersError says that the triggers on contacts are not those of this
// binary: changed, missing or disabled, or made for types that columns have no more. The
// queue still works, at the latest on its next tick, so that a caller may treat this as a
// warning.
type StaleTriggersError struct {
	Missing  []string  // triggers that are missing or disabled; empty when only their text differs
	Astray   []string  // triggers on a column that was renamed
	Detached time.Time // since when Detach has taken them off; zero if it has not
}

// Error names the remedy.
func (e *StaleTriggersError) Error() string {
	what := "differ from those of this version, or a column's type from the one that they were made for"
	switch {
	case !e.Detached.IsZero():
		return fmt.Sprintf("triggers on contacts are detached since %s, so that rows wait for the tick: run `contactsync migrate attach` when the app's migration is over",
			e.Detached.UTC().Format(time.RFC3339))
	case len(e.Missing) > 0:
		what = "are missing or disabled (" + strings.Join(e.Missing, ", ") + ")"
	case len(e.Astray) > 0:
		what = "are on a column that was renamed (" + strings.Join(e.Astray, ", ") + ")"
	}
	return "triggers on contacts " + what + ": run `contactsync migrate up`"
}

// UnsuitableError says that contacts cannot be used as it is, and that only a
// person may change it.
type UnsuitableError struct {
	Problems []string
	Remedies []string // SQL statements or advice, one each
}

// Error lists every problem and every remedy.
func (e *UnsuitableError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines are those of Error.
func (e *UnsuitableError) Lines() []string {
	lines := []string{strings.Join(e.Problems, "; "), "to do first:"}
	for _, remedy := range e.Remedies {
		lines = append(lines, "  "+remedy)
	}
	return lines
}

// ConsentError says what Up would do to others, or leave undone, so that it does nothing
// unless Options.Yes is set.
type ConsentError struct {
	Reasons  []string
	Remedies []string // SQL statements or advice, one each
}

// Error lists every reason and every remedy.
func (e *ConsentError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines are those of Error.
func (e *ConsentError) Lines() []string {
	lines := []string{strings.Join(e.Reasons, "; "), "do first:"}
	for _, remedy := range e.Remedies {
		lines = append(lines, "  "+remedy)
	}
	return append(lines, "or, if that is what you want, `contactsync migrate up --yes`")
}

// Session is a session of the database that is in the way.
type Session struct {
	PID         int32
	Application string
	User        string
	State       string  // as in pg_stat_activity; empty when it is another role's
	Seconds     float64 // since its transaction began
	Query       string  // its last or present one, cut
}

// BlockedError says that another session held locks longer than a migration
// may make writers wait.
type BlockedError struct {
	Sessions []Session // who holds locks on contacts; may be empty, they come and go
	Err      error     // the server's
}

// Error names the sessions and the remedy.
func (e *BlockedError) Error() string {
	if len(e.Sessions) == 0 {
		return "a lock was not to be had: try again when the database is less busy: " + e.Err.Error()
	}
	return fmt.Sprintf("other sessions hold locks on contacts: end them (SELECT pg_terminate_backend(%d)), or try again later: %s",
		e.Sessions[0].PID, strings.Join(e.describe(), "; "))
}

// Unwrap gives the server's error.
func (e *BlockedError) Unwrap() error { return e.Err }

func (e *BlockedError) describe() []string {
	var list []string
	for _, s := range e.Sessions {
		list = append(list, s.String())
	}
	return list
}

// String is one line for people.
func (s Session) String() string {
	age := time.Duration(s.Seconds * float64(time.Second)).Round(100 * time.Millisecond)
	return fmt.Sprintf("pid %d (%s, user %s, %s, transaction open for %s): %s",
		s.PID, s.Application, s.User, s.State, age, strings.Join(strings.Fields(s.Query), " "))
}
