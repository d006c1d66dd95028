package leader

import (
	"fmt"
	"io"
	"net/http"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Transport lets a request leave only while fresh is nil. A process that was
// frozen would otherwise, when it wakes, send what it claimed a minute ago, over
// what its successor has sent since. It is asked before the request and again as
// its body is written, when the connection stands: a request with a body is never
// complete on the wire unless the lease was fresh that late.
func Transport(base http.RoundTripper, fresh func() error) http.RoundTripper {
	return &transport{base: base, fresh: fresh}
}

type transport struct {
	base  http.RoundTripper
	fresh func() error
}

// RoundTrip returns the error of fresh, as a contact.ErrNotSent, and sends nothing
// then.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.fresh(); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper must, also on errors
		}
		return nil, fmt.Errorf("%w: %w", contact.ErrNotSent, err)
	}
	if req.Body == nil || req.Body == http.NoBody {
		return t.base.RoundTrip(req)
	}
	guarded := req.Clone(req.Context())
	guarded.Body = &freshBody{ReadCloser: req.Body, fresh: t.fresh}
	if again := req.GetBody; again != nil {
		guarded.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			return &freshBody{ReadCloser: body, fresh: t.fresh}, nil
		}
	}
	return t.base.RoundTrip(guarded)
}

// CloseIdleConnections lets http.Client's method of that name reach the base.
func (t *transport) CloseIdleConnections() {
	if closer, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// freshBody is a request's body that cannot be read once the lease is lost.
type freshBody struct {
	io.ReadCloser
	fresh func() error
}

func (b *freshBody) Read(p []byte) (int, error) {
	if err := b.fresh(); err != nil {
		return 0, fmt.Errorf("%w: %w", contact.ErrNotSent, err)
	}
	return b.ReadCloser.Read(p)
}
