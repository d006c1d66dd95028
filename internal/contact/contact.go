package contact

import (
	"strings"
	"time"
	"unicode"
)

// Contact is one claimed row of the contacts table. An empty string stands
// for NULL as well as for a blank value: both mean "nothing to send".
type Contact struct {
	ID       string // the row's id as text, whatever its type
	Email    string // as written by the app: neither trimmed nor folded
	Name     string
	Phone    string
	DomainID string
	PageID   string
	Extra    []string // of the extra columns, in the order in which they were asked for

	TraceParent string // the trace of the commit that queued it (W3C); only while traces are kept

	// FailedAlone says that it failed in a request of its own while others went
	// through. A destination gives it a request of its own again.
	FailedAlone bool

	KeyedByID bool // the destination tells contacts apart by ID, not by Email

	// Request tells apart for which of the app's requests it is sent: it stays the same
	// for all attempts of one. It is empty where nobody knows since when the row waits.
	Request string

	UpdatedAt time.Time // before the claim; zero when the column is NULL
	Version   string    // stands for the values above as claimed; the queue compares it
}

// Key is what the destination tells contacts apart by: the email as it compares it,
// trimmed and folded, or the ID. It is empty for a contact that has no email. The claim
// makes the same of a row in SQL (email_key in queue/fragments.sql).
func (c Contact) Key() string {
	if c.KeyedByID {
		return c.ID
	}
	return strings.ToLower(strings.TrimSpace(c.Email))
}

// SplitName parts a name at its first run of blanks. A single word is the first
// name.
func SplitName(name string) (first, last string) {
	name = strings.TrimSpace(name)
	i := strings.IndexFunc(name, unicode.IsSpace)
	if i < 0 {
		return name, ""
	}
	return name[:i], strings.TrimSpace(name[i:])
}
