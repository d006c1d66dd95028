package metrics

import (
	"net/http"
	"strconv"
	"time"
)

// Transport counts the requests that leave through base. name returns the kind of a
// request, one of a few. It belongs next to the network, so that a request that was
// refused before it left is not counted.
func (d *Destination) Transport(base http.RoundTripper, name func(*http.Request) string) http.RoundTripper {
	return &counting{base: base, counts: d, name: name}
}

type counting struct {
	base   http.RoundTripper
	counts *Destination
	name   func(*http.Request) string
}

// RoundTrip implements [http.RoundTripper].
func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	call, began := c.name(r), time.Now()
	res, err := c.base.RoundTrip(r)
	c.counts.requestDuration.WithLabelValues(call).Observe(time.Since(began).Seconds())
	status := "none"
	if err == nil {
		status = statusOf(res.StatusCode)
	}
	c.counts.requests.WithLabelValues(call, status).Inc()
	return res, err
}

// CloseIdleConnections lets http.Client's method of that name reach the base.
func (c *counting) CloseIdleConnections() {
	if closer, ok := c.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// statusOf names a status: each that a destination is known to return by its number,
// any other one by its class.
func statusOf(status int) string {
	switch status {
	case 200, 201, 204, 207, 400, 401, 403, 404, 409, 423, 429, 477, 500, 502, 503, 504:
		return strconv.Itoa(status)
	}
	if status >= 100 && status < 600 {
		return strconv.Itoa(status/100) + "xx"
	}
	return "other"
}
