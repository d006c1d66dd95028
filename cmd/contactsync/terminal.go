package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// colorful says whether a terminal is there to show colours, and nobody asked
// for none (https://no-color.org).
func colorful(out io.Writer) bool { return isTerminal(out) && os.Getenv("NO_COLOR") == "" }

// height is how many lines a terminal shows.
func height(out io.Writer) int {
	if file, ok := out.(*os.File); ok {
		if _, lines, err := term.GetSize(int(file.Fd())); err == nil && lines > 0 {
			return lines
		}
	}
	return 24
}
