package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// destinations are those that the program can feed. A further one is one more adapter
// here; whoever is told of no others gets these.
func destinations() []adapter { return []adapter{hubSpot(), brevoAdapter(), webHook()} }

// adapter is a destination as the program builds and runs it.
type adapter struct {
	info     destination.Info
	settings func(cfg config.Config) settings
	connect  func(o connectOptions) (connection, error) // sends nothing yet
	callName func(r *http.Request) string               // the kind of a request, one of a few
}

// settings are what the engine has to know of a destination's own ones.
type settings struct {
	configured    bool          // it has a key
	sync          config.Sync   // how its queue is worked off
	columns       []string      // columns that it is sent beyond those of the contract
	mapping       string        // the variable that names them
	timeout       time.Duration // of one request: after it an answer is in doubt
	doubt         time.Duration // how long such a request may take effect all the same
	skipUnchanged bool          // contacts that it knows already are not sent again
	keyFile       bool          // the key comes from a file, and may change
}

// connectOptions are what a destination's client is made with.
type connectOptions struct {
	cfg   config.Config
	extra columns.List // the types of the columns that it is sent beyond those of the contract
	slots int          // how many processes share the rate limit
	wrap  func(base http.RoundTripper) http.RoundTripper

	// accept says whether an account may be synced to; see queue.Account.
	accept func(ctx context.Context, account string, aboutToSend bool) (known bool, err error)
	log    *slog.Logger
}

// connection is a destination's client, and what it can do beyond sending.
type connection struct {
	destination.Destination

	limits      func() destination.Limits
	fingerprint func(c contact.Contact) []byte                      // of what it is told of a contact
	refresh     func(ctx context.Context) (changed bool, err error) // reads the key again; nil where there is no file
	checked     func(ctx context.Context)                           // looks at the account when leading begins; nil: there is nothing to look at
}

// wanted returns those of a list that a database is prepared for: those that have a key,
// and the first one, whose columns were there before there were others.
func wanted(list []adapter, cfg config.Config) (found []adapter) {
	for i, d := range list {
		if i == 0 || d.settings(cfg).configured {
			found = append(found, d)
		}
	}
	return found
}

// configured returns those of a list that have a key, or the first one where none has:
// a process without any key shows whose work it does not do.
func configured(list []adapter, cfg config.Config) (found []adapter, ok bool) {
	for _, d := range list {
		if d.settings(cfg).configured {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return list[:1], false
	}
	return found, true
}
