package api

import (
	"net/http"
	"strings"

	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

// maxConns is how many requests may be under way at a time. internal/drain sends eight
// batches at most, of more than 100 contacts fewer: the most are seven batches of
// two requests, and there is room for two more (probes, halves of a refused batch).
// With fewer connections requests would wait after the limiter.
const maxConns = 16

// NewHTTPClient builds a client for HubSpot.
func NewHTTPClient() *http.Client { return outgoing.NewClient(maxConns) }

// CallName returns what a request asks for, one name of a few, for who counts or
// traces requests: the paths themselves hold ids, and may hold addresses.
func CallName(r *http.Request) string {
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/batch/upsert"):
		return "upsert"
	case strings.HasSuffix(path, "/batch/read"):
		return "read"
	case strings.Contains(path, "/account-info/"):
		return "account"
	case strings.Contains(path, "/properties/"):
		return "property"
	case r.Method == http.MethodPatch:
		return "update"
	}
	return "other"
}
