package dashboard

import (
	"net/http"
	"slices"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/ops"
)

// shownAttempts is how many failed attempts a page shows at most.
const shownAttempts = 50

// card is what the page of one contact shows.
type card struct {
	ops.ContactDetail
	Story    []event
	Attempts []ops.Attempt
	Draft    []destination.Field
	Refused  contact.Outcome // why nothing can be sent; empty code: it can
	Buttons  []button
	ReadOnly bool
	State    state
}

// state is where a contact is on its way.
type state struct {
	Name, Text string
	Severity   severity
	At         *time.Time // what Text ends with
}

// event is a step on a contact's way through the queue.
type event struct {
	At       time.Time
	Severity severity
	Head     string
	Text     string
	Detail   string
	Code     string
}

// button is something that can be done with a contact.
type button struct {
	Do, Name string
	Main     bool // the one that a person is most likely to want
}

func (d *Dashboard) contact(r *http.Request) (view, error) {
	found, attempts, err := d.Store.Detail(r.Context(), r.PathValue("id"), shownAttempts)
	if err != nil {
		return view{}, err
	}
	actions, err := d.Store.Actions(r.Context(), found.ID, shownAttempts)
	if err != nil {
		return view{}, err
	}
	c := card{
		ContactDetail: found, Attempts: attempts, ReadOnly: d.ReadOnly, State: stateOf(found, d.label()),
		Story: storyOf(found, d.label(), attempts, actions), Buttons: buttonsOf(found),
	}
	if c.Draft, c.Refused, err = d.Draft(r.Context(), found.Contact()); err != nil {
		return view{}, err
	}
	title := d.email(found.Email)
	if title == "" {
		title = "Contact without an email"
	}
	return view{Page: "contact", Title: title, Nav: "contacts", Data: c, Every: 10}, nil
}

// stateOf returns where a contact is on its way, in words.
func stateOf(c ops.ContactDetail, label string) state {
	later := c.NextTry != nil && c.NextTry.After(time.Now()) // near enough for words
	switch {
	case c.ClaimedAt != nil && c.Until != nil:
		return state{"Unanswered", label + " may still carry out the last request. It is not sent again before", waiting, c.Until}
	case c.ClaimedAt != nil:
		return state{"In flight", "A request to " + label + " is under way since", working, c.ClaimedAt}
	case c.Status == "Queued" && later && c.Code != "":
		return state{"Waiting for a retry", "The last attempt failed. The next one is at", waiting, c.NextTry}
	case c.Status == "Queued" && later:
		return state{"Scheduled", "It is to be sent at", waiting, c.NextTry}
	case c.Status == "Queued":
		return state{"Queued", "It is due now, and is sent as soon as its turn comes.", working, nil}
	case c.Status == "Processing":
		return state{"Processing", "Some process says that it works on it, but no claim is known. After 15 minutes it goes back into the queue.", waiting, nil}
	case c.Status == "Error":
		return state{"Error", "It is not tried again until somebody retries it.", bad, nil}
	case c.Status == "Complete":
		return state{"In " + label, "Synced at", good, c.SyncedAt}
	case c.SyncStatus == "Skipped":
		return state{"Skipped", "Somebody decided not to sync it.", paused, nil}
	}
	return state{"Not queued", "Nobody has asked for it to be synced.", paused, nil}
}

// buttonsOf is what can be done with a contact, the likeliest first.
func buttonsOf(c ops.ContactDetail) []button {
	skip := button{doSkip, "Skip", false}
	switch {
	case c.Status == "Error":
		return []button{{doRetry, "Retry", true}, skip}
	case c.Status == "Queued" && c.NextTry != nil:
		return []button{{doSend, "Send now", true}, skip}
	case c.Status == "Queued", c.Status == "Processing":
		return []button{skip}
	case c.Status == "Complete":
		return []button{{doSend, "Send again", false}}
	case c.SyncStatus == "Skipped":
		return []button{{doSend, "Send now", false}}
	}
	return []button{{doSend, "Send now", true}, skip}
}

// storyOf is a contact's way, the newest step first.
func storyOf(c ops.ContactDetail, label string, attempts []ops.Attempt, actions []ops.Action) []event {
	var story []event
	if c.SyncedAt != nil {
		story = append(story, event{At: *c.SyncedAt, Severity: good, Head: "Synced to " + label, Text: c.RemoteID})
	}
	if c.ClaimedAt != nil {
		story = append(story, event{At: *c.ClaimedAt, Severity: working, Head: "Taken from the queue", Text: "a request is under way"})
	}
	for _, a := range attempts {
		e := event{At: a.At, Severity: bad, Head: "Attempt " + number(a.Attempt) + " failed", Code: string(a.Code), Text: a.Message, Detail: a.CorrelationID}
		story = append(story, e)
	}
	for _, a := range actions {
		story = append(story, event{At: a.At, Severity: paused, Head: didWhat(a), Text: a.Detail})
	}
	slices.SortStableFunc(story, func(a, b event) int { return b.At.Compare(a.At) })
	return story
}

// didWhat returns what somebody did, in words.
func didWhat(a ops.Action) string {
	words := map[ops.Verb]string{
		ops.DidQueue: "queued it", ops.DidRetry: "retried it", ops.DidSkip: "skipped it", ops.DidSendNow: "sent it now", ops.DidSync: "synced it by hand",
		ops.DidPause: "paused the sync", ops.DidResume: "let the sync go on",
	}
	what := words[a.Action]
	if what == "" {
		what = string(a.Action)
	}
	return a.Who + " " + what
}
