package destination

import "github.com/scrapersky/contactsync/internal/contact"

// Advice is what a person needs to know about a code.
type Advice struct {
	Means string // what happened, in a sentence
	Do    string // what to do about it, in a sentence or two
	Alone bool   // it mends itself: the contact is tried again without anybody
}

// Advices is the advice of one destination. It has every code.
type Advices map[contact.Code]Advice

// For returns what a code means and what to do. A code that is none of the list,
// as an older or newer version may have left it in a row, is treated as OTHER.
func (a Advices) For(c contact.Code) Advice {
	if advice, ok := a[c]; ok {
		return advice
	}
	return a[contact.CodeOther]
}
