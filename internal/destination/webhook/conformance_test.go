package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/destinationtest"
	"github.com/scrapersky/contactsync/internal/destination/webhook"
)

// withPhone has the phone number in an extra column, as N8N_FIELD_MAP has it sent.
type withPhone struct{ *webhook.Client }

func (w withPhone) Upsert(ctx context.Context, batch []contact.Contact) contact.Report {
	for i := range batch {
		batch[i].Extra = []string{batch[i].Phone}
	}
	return w.Client.Upsert(ctx, batch)
}

// What every destination must do, a webhook does.
func TestConformance(t *testing.T) {
	t.Parallel()
	destinationtest.Conformance(t, func(t *testing.T) destinationtest.Remote {
		t.Helper()
		r := newReceiver(t)
		written := func(email string) (last message, n int) {
			for _, m := range r.messages() {
				if strings.ToLower(fmt.Sprint(m.Body["email"])) == email {
					last, n = m, n+1
				}
			}
			return last, n
		}
		return destinationtest.Remote{
			Destination: withPhone{r.client(t, func(o *webhook.Options) { o.Fields = []webhook.Field{{Name: "phone"}} })},
			ByRow:       true, Blind: true,
			Stored: func(email string) (id, name, phone string, ok bool) {
				m, n := written(email)
				name, _ = m.Body["name"].(string)
				phone, _ = m.Body["phone"].(string)
				// The suite's CRMs part a name at its first blank; a webhook gets it as it is.
				return "wf-" + m.contactID(), strings.Replace(name, "\n", " ", 1), phone, n > 0
			},
			Writes: func(email string) int {
				_, n := written(email)
				return n
			},
			Spoil: func(email string, f destinationtest.Fault) {
				r.respond(func(w http.ResponseWriter, _ *http.Request, m message) bool {
					if strings.ToLower(fmt.Sprint(m.Body["email"])) != email || f != destinationtest.Down {
						return false
					}
					w.WriteHeader(http.StatusInternalServerError)
					return true
				})
			},
			Break: func(f destinationtest.Fault) { r.fault(t, f) },
		}
	})
}

// fault makes the receiver misbehave.
func (r *receiver) fault(t *testing.T, f destinationtest.Fault) {
	t.Helper()
	switch f {
	case destinationtest.None:
		r.respond(nil)
	case destinationtest.Unauthorized:
		r.status(http.StatusUnauthorized)
	case destinationtest.Down:
		r.status(http.StatusInternalServerError)
	case destinationtest.Silent:
		r.respond(func(_ http.ResponseWriter, req *http.Request, _ message) bool {
			select {
			case <-req.Context().Done():
			case <-time.After(time.Minute):
			}
			panic(http.ErrAbortHandler)
		})
	case destinationtest.LostResponse:
		r.respond(func(http.ResponseWriter, *http.Request, message) bool { panic(http.ErrAbortHandler) })
	}
}
