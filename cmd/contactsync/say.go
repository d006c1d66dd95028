package main

import (
	"fmt"
	"io"
	"reflect"

	"github.com/scrapersky/contactsync/internal/printable"
)

// ours is a text that say leaves as it is: it has colours, or is several lines.
type ours string

// say prints for people as fmt.Fprintf does. The format is ours; the arguments may be
// anybody's: an email, a name, an id from the command line, what HubSpot or the database
// says. Nothing of theirs gives orders to the terminal or breaks a line.
func say(out io.Writer, format string, args ...any) (int, error) {
	for i, arg := range args {
		switch v := arg.(type) {
		case ours:
		case error:
			args[i] = printable.Error(v)
		case fmt.Stringer:
			args[i] = printable.Text(v.String())
		default:
			if text := reflect.ValueOf(arg); text.Kind() == reflect.String {
				args[i] = printable.Text(text.String())
			}
		}
	}
	return fmt.Fprintf(out, format, args...)
}
