package webhook

import (
	"net/http"

	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

// NewHTTPClient builds a client for one webhook.
func NewHTTPClient() *http.Client { return outgoing.NewClient(inFlight) }
