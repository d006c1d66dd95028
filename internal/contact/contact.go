package contact

import (
	"strings"
	"time"
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

	UpdatedAt time.Time // zero when the column is NULL
	Version   string    // stands for the values above as claimed; the queue compares it
}

// Key is the email as a destination compares it: trimmed and folded. It is
// empty for a contact that has no email.
func (c Contact) Key() string {
	return strings.ToLower(strings.TrimSpace(c.Email))
}
