package hubspot

import (
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/drain/draintest"
	"github.com/scrapersky/contactsync/internal/hubspotsim"
)

// What every destination must do.
func TestConformance(t *testing.T) {
	t.Parallel()
	draintest.Conformance(t, func(t *testing.T) draintest.Remote {
		t.Helper()
		p := overTheWire(t, simOptions(), func(o *Options) { o.Timeout = time.Minute })
		return draintest.Remote{
			Destination: p.Client,
			Stored: func(email string) (id, name, phone string, ok bool) {
				c, ok := p.Contact(email)
				return c.ID, c.Properties["firstname"] + " " + c.Properties["lastname"], c.Properties["phone"], ok
			},
			Writes: func(email string) int {
				n := 0
				for _, w := range p.Writes() {
					if w.Email == email {
						n++
					}
				}
				return n
			},
			Break: func(f draintest.Fault) {
				p.ClearFaults()
				p.SetToken(testToken)
				switch f {
				case draintest.None:
				case draintest.Unauthorized:
					p.SetToken("another key")
				case draintest.Down:
					p.Inject(hubspotsim.Fault{Status: 500})
				case draintest.Silent:
					p.Inject(hubspotsim.Fault{Mode: hubspotsim.Hang})
				case draintest.LostResponse:
					p.Inject(hubspotsim.Fault{Mode: hubspotsim.Cut, AfterWrite: true})
				}
			},
		}
	})
}
