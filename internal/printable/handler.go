package printable

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Handler wraps tint's handler, so that foreign text shows in the log for people as
// Text has it. Left alone, tint passes escape sequences on where it colours, takes
// them out together with the letters in them where it does not, and makes one of
// \x1b that somebody has spelled out.
func Handler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ next slog.Handler }

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.next.WithGroup(name)} }

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.next.WithAttrs(shown(attrs))}
}

func (h handler) Handle(ctx context.Context, line slog.Record) error {
	attrs := make([]slog.Attr, 0, line.NumAttrs())
	line.Attrs(func(attr slog.Attr) bool {
		attrs = append(attrs, attr)
		return true
	})
	safe := slog.NewRecord(line.Time, line.Level, Text(line.Message), line.PC)
	safe.AddAttrs(shown(attrs)...)
	if err := h.next.Handle(ctx, safe); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// shown returns attributes that tint writes so that nothing in them is hidden.
func shown(attrs []slog.Attr) []slog.Attr {
	safe := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		safe[i] = slog.Attr{Key: attr.Key, Value: shownValue(attr.Value.Resolve())}
	}
	return safe
}

func shownValue(value slog.Value) slog.Value {
	text := ""
	switch value.Kind() {
	case slog.KindGroup:
		return slog.GroupValue(shown(value.Group())...)
	case slog.KindString:
		text = value.String()
	case slog.KindAny:
		text = spelled(value.Any())
	default:
		return value
	}
	if strings.IndexFunc(text, hidden) < 0 && utf8.ValidString(text) && !strings.Contains(text, `\x1b`) {
		return value
	}
	// Of bytes, and of nothing else, tint makes what strconv.Quote does.
	return slog.AnyValue([]byte(quotable(text)))
}

// spelled is a value as tint spells it.
func spelled(value any) string {
	if m, ok := value.(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprintf("%+v", value)
}

// Quote returns text in double quotes, as Go writes it, with nothing hidden in it.
func Quote(text string) string { return strconv.Quote(quotable(text)) }

// quotable writes out what strconv.Quote takes for visible, and is not.
func quotable(text string) string {
	var out strings.Builder
	for i, r := range text {
		if hidden(r) && strconv.IsPrint(r) {
			out.WriteString(escaped(r))
			continue
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		out.WriteString(text[i : i+size])
	}
	return out.String()
}
