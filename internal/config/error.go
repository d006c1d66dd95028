package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Error is everything that is wrong with the settings.
type Error struct {
	Problems []Problem
}

// Problem is one variable that cannot be used as it is.
type Problem struct {
	Var     string // its name, or that of the file it would have come from
	Value   string // as it was set; empty when it was not, or is a secret
	Message string // what is wrong with it, and what would be right
}

// Error has a line for each problem, and no secret.
func (e *Error) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines are those of Error.
func (e *Error) Lines() []string {
	if len(e.Problems) == 1 {
		return []string{"configuration: " + e.Problems[0].String()}
	}
	lines := []string{fmt.Sprintf("configuration: %d problems", len(e.Problems))}
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return lines
}

// String is the problem in one line.
func (p Problem) String() string {
	if p.Value == "" {
		return p.Var + ": " + p.Message
	}
	return p.Var + "=" + strconv.Quote(p.Value) + ": " + p.Message
}
