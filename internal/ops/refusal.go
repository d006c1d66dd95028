package ops

import (
	"fmt"
	"time"
)

// Refusal is why the database does not let contacts be written, for as long as it lasts:
// an app's trigger or constraint is against it, or a right is missing.
type Refusal struct {
	Stage     string    `json:"stage"`      // claim: they stay Queued; settle: they stay Processing; requeue: so do those that nobody works on
	Code      string    `json:"sqlstate"`   // or veto: a trigger skips them without an error
	Source    string    `json:"source"`     // the trigger or the constraint; empty where that is not known
	Message   string    `json:"message"`    // in the database's own words
	ContactID string    `json:"contact_id"` // one of them; empty where no contact is to blame
	Since     time.Time `json:"since"`
	Contacts  int64     `json:"contacts"` // 0: nothing at all can be written
}

// Text says what is refused and why, in one line.
func (r Refusal) Text() string {
	what := "nothing can be claimed"
	if r.Contacts > 0 {
		done := map[string]string{"claim": "claimed", "settle": "settled", "requeue": "put back into the queue"}[r.Stage]
		what = Count(r.Contacts, "contact cannot be "+done, "contacts cannot be "+done)
	}
	if r.Code == "veto" {
		what = Count(r.Contacts, "contact is", "contacts are") + " vetoed by a trigger"
	}
	text := what + ": " + r.Message
	if r.Source != "" {
		text += fmt.Sprintf(" (%s)", r.Source)
	}
	return text
}

// Refused is how many contacts the database does not let be written.
func (s Snapshot) Refused() (n int64) {
	for _, r := range s.Refusals {
		n += r.Contacts
	}
	return n
}

// refusedSentence says what the database refuses; empty where it refuses nothing.
func (s Snapshot) refusedSentence() string {
	if len(s.Refusals) == 0 {
		return ""
	}
	text := "Refused by the database: " + s.Refusals[0].Text()
	if more := len(s.Refusals) - 1; more > 0 {
		text += fmt.Sprintf("; and %s more", Count(more, "reason", "reasons"))
	}
	return text + ". See `contactsync doctor`."
}
