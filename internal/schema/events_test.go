package schema_test

import (
	"context"
	"log/slog"
	"sync"
)

// events is a log that tells when a message was logged, and with what.
type events struct {
	slog.Handler
	message string
	once    sync.Once
	seen    chan struct{}
	record  slog.Record // the first one; to be read after seen was closed
}

func newEvents(message string) *events {
	return &events{Handler: slog.DiscardHandler, message: message, seen: make(chan struct{})}
}

func (e *events) logger() *slog.Logger { return slog.New(e) }

func (e *events) Enabled(context.Context, slog.Level) bool { return true }

func (e *events) Handle(_ context.Context, r slog.Record) error {
	if r.Message == e.message {
		e.once.Do(func() {
			e.record = r.Clone()
			close(e.seen)
		})
	}
	return nil
}

// first is an attribute of the first such message.
func (e *events) first(key string) (value string) {
	<-e.seen
	e.record.Attrs(func(a slog.Attr) bool {
		if a.Key == key {
			value = a.Value.String()
		}
		return true
	})
	return value
}
