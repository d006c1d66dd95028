package dashboard

import (
	"net/http"
	"time"
)

// A flash is a message about what was just done. A page shows it once.
const (
	// flashCookie carries it over the redirect. It is signed, so that what a page says
	// was done was done: see seal.
	flashCookie = "contactsync-flash"
	flashLasts  = time.Minute
)

func (d *Dashboard) giveFlash(w http.ResponseWriter, r *http.Request, text string) {
	http.SetCookie(w, kept(r, flashCookie, d.seal.sign(flashCookie, text, time.Now().Add(flashLasts)), flashLasts))
}

// takeFlash returns the message, "" for none, and takes it away.
func (d *Dashboard) takeFlash(w http.ResponseWriter, r *http.Request) string {
	cookies := r.CookiesNamed(flashCookie)
	if len(cookies) == 0 {
		return ""
	}
	http.SetCookie(w, kept(r, flashCookie, "", -1))
	for _, c := range cookies { // somebody else's may stand before ours
		if text, _ := d.seal.open(flashCookie, c.Value); text != "" {
			return text
		}
	}
	return ""
}
