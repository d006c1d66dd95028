package destination

import "github.com/scrapersky/contactsync/internal/contact"

// aloneNote ends the message of a contact that failed alone.
const aloneNote = " (this contact alone: others went through)"

// Alone makes of an outcome that of a contact which failed in a request of its own while
// others went through: it is to blame itself, and spends its attempts on it. The message
// gets at most so many characters.
func Alone(o contact.Outcome, most int) contact.Outcome {
	o.Alone, o.Forgiving = true, false
	if said := []rune(o.Message); len(said) > most-len(aloneNote) {
		o.Message = string(said[:most-len(aloneNote)-1]) + "…"
	}
	o.Message += aloneNote
	return o
}
