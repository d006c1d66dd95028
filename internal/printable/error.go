package printable

import (
	"errors"
	"strings"
)

// Error returns what an error says, as Text has it, but for the ends of lines that are
// ours: those between errors that were joined, and those of an error that has Lines.
func Error(err error) string {
	if lined, ok := err.(interface{ Lines() []string }); ok {
		return joined(lined.Lines(), Text)
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var texts []string
		for _, one := range several.Unwrap() {
			texts = append(texts, one.Error())
		}
		if strings.Join(texts, "\n") == err.Error() {
			return joined(several.Unwrap(), Error)
		}
		return Text(err.Error())
	}
	text, inner := err.Error(), errors.Unwrap(err)
	if inner == nil {
		return Text(text)
	}
	before, after, found := strings.Cut(text, inner.Error())
	if !found || inner.Error() == "" {
		return Text(text)
	}
	return Text(before) + Error(inner) + Text(after)
}

func joined[T any](all []T, text func(T) string) string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = text(one)
	}
	return strings.Join(texts, "\n")
}
