package redact

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
)

// Handler wraps a slog.Handler so that it shortens email addresses in all that is
// logged: the value of the attribute email whatever it is, the same text elsewhere in
// the line, and everything that looks like an address. A destination's message repeats
// an invalid address as it is, so a search for @ is not enough.
func Handler(next slog.Handler) slog.Handler { return handler{next: next} }

type handler struct {
	next  slog.Handler
	known []string // the emails of the lines to come
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.next.WithGroup(name), h.known}
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	known := append(slices.Clone(h.known), emailsIn(attrs)...)
	return handler{h.next.WithAttrs(hideAttrs(attrs, known)), known}
}

func (h handler) Handle(ctx context.Context, line slog.Record) error {
	attrs := make([]slog.Attr, 0, line.NumAttrs())
	line.Attrs(func(attr slog.Attr) bool {
		attrs = append(attrs, attr)
		return true
	})
	known := append(slices.Clone(h.known), emailsIn(attrs)...)
	short := slog.NewRecord(line.Time, line.Level, Text(line.Message, known...), line.PC)
	short.AddAttrs(hideAttrs(attrs, known)...)
	if err := h.next.Handle(ctx, short); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// emailKey is the attribute whose value is an email, in whatever form.
const emailKey = "email"

func emailsIn(attrs []slog.Attr) (emails []string) {
	for _, attr := range attrs {
		switch value := attr.Value.Resolve(); {
		case value.Kind() == slog.KindGroup:
			emails = append(emails, emailsIn(value.Group())...)
		case attr.Key == emailKey:
			emails = append(emails, value.String())
		}
	}
	return emails
}

func hideAttrs(attrs []slog.Attr, known []string) []slog.Attr {
	short := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		short[i] = hideAttr(attr, known)
	}
	return short
}

func hideAttr(attr slog.Attr, known []string) slog.Attr {
	value := attr.Value.Resolve()
	text := ""
	switch value.Kind() {
	case slog.KindGroup:
		return slog.Attr{Key: attr.Key, Value: slog.GroupValue(hideAttrs(value.Group(), known)...)}
	case slog.KindString:
		text = value.String()
	case slog.KindAny:
		text = fmt.Sprint(value.Any())
	default:
		return attr
	}
	short := ""
	if attr.Key == emailKey {
		short = Email(text)
	} else {
		short = Text(text, known...)
	}
	if short == text {
		return attr // an error stays an error
	}
	return slog.String(attr.Key, short)
}
