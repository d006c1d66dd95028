package hubspot

import (
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/destination/destinationtest"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// What every destination must do.
func TestConformance(t *testing.T) {
	t.Parallel()
	destinationtest.Conformance(t, func(t *testing.T) destinationtest.Remote {
		t.Helper()
		p := overTheWire(t, simOptions(), func(o *Options) { o.Timeout = time.Minute })
		return destinationtest.Remote{
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
			Spoil: func(email string, f destinationtest.Fault) {
				if f != destinationtest.Down {
					t.Fatalf("no contact can be spoiled by %q here", f)
				}
				p.Inject(hubspotsim.Fault{Status: 500, Holds: email})
			},
			Break: func(f destinationtest.Fault) {
				p.ClearFaults()
				p.SetToken(testToken)
				switch f {
				case destinationtest.None:
				case destinationtest.Unauthorized:
					p.SetToken("another key")
				case destinationtest.Down:
					p.Inject(hubspotsim.Fault{Status: 500})
				case destinationtest.Silent:
					p.Inject(hubspotsim.Fault{Mode: hubspotsim.Hang})
				case destinationtest.LostResponse:
					p.Inject(hubspotsim.Fault{Mode: hubspotsim.Cut, AfterWrite: true})
				}
			},
		}
	})
}
