package config

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every way of printing a secret prints.
const redacted = "REDACTED"

// Secret is a text that cannot get into a log by accident: however it is
// printed, marshalled or logged, it reads REDACTED. Its zero value is the empty
// secret.
type Secret struct{ text string }

// NewSecret makes a secret of a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text itself, for whoever has to send it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// EnvDecode implements [envconfig.Decoder].
//
// [envconfig.Decoder]: https://pkg.go.dev/github.com/sethvargo/go-envconfig#Decoder
func (s *Secret) EnvDecode(text string) error {
	s.text = text
	return nil
}

// String implements [fmt.Stringer].
func (s Secret) String() string { return redacted }

// GoString implements [fmt.GoStringer].
func (s Secret) GoString() string { return redacted }

// Format implements [fmt.Formatter], for the verbs that ask neither of the two.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler], and with it JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
