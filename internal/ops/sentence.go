package ops

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/rowsecurity"
)

// Behind is how long a contact may be due, while somebody leads, before the
// sentence says that the queue is behind.
const Behind = time.Minute

// Unrung is how long a contact may be due, while everybody who leads sleeps on the
// doorbell, before the sentence says that nobody rings it. A leader falls asleep
// only when nothing is due, and is awake milliseconds after a commit.
const Unrung = 5 * time.Second

// Level is how good or bad things are.
type Level string

// The levels.
const (
	Healthy   Level = "healthy"
	Attention Level = "attention" // it goes on by itself, or somebody wants it so
	Trouble   Level = "trouble"   // a person must do something
)

// Sentence says in plain words how things are, with times as of a place.
func (s Snapshot) Sentence(place *time.Location) string {
	_, text := s.Judge(place)
	return text
}

// Judge says how things are, for the eye and in plain words, with times as of a
// place.
func (s Snapshot) Judge(place *time.Location) (Level, string) {
	if len(s.Hidden) == 0 {
		return s.judge(place)
	}
	hidden := s.hiddenSentence()
	if slices.ContainsFunc(s.Hidden, func(h rowsecurity.Hidden) bool { return h.EveryRow }) {
		return Trouble, hidden
	}
	level, text := s.judge(place)
	if level == Healthy {
		level = Attention
	}
	return level, strings.Replace(text, s.allWell(), "As far as can be seen the queue is empty.", 1) + " " + hidden
}

// hiddenSentence says what nobody may believe of the rest.
func (s Snapshot) hiddenSentence() string {
	words := rowsecurity.Words(s.Hidden)
	return strings.ToUpper(words[:1]) + words[1:] + ": that role neither sees nor sends what is queued there. `contactsync doctor` has the SQL."
}

// allWell is what is said of a queue that is at rest.
func (s Snapshot) allWell() string {
	return "Healthy: everything that was queued is in " + s.Destination.Label + "."
}

// judge says how things are as far as can be seen.
func (s Snapshot) judge(place *time.Location) (Level, string) {
	if s.Hold != nil {
		return Attention, s.heldSentence(place)
	}
	for _, l := range s.Leaders {
		switch {
		case contact.Code(l.PauseCode).Passes():
			return Attention, s.accountSentence(l, place)
		case l.PauseCode != "":
			return Trouble, s.accountSentence(l, place)
		}
	}
	q := s.Queue
	switch {
	case len(s.Leaders) == 0 && q.Due > 0:
		return Trouble, fmt.Sprintf("Nobody leads: %s, and no process syncs. Start `contactsync run` with a %s.",
			Count(q.Due, "contact waits", "contacts wait"), s.Destination.Setting)
	case len(s.Leaders) == 0:
		return Trouble, "Nobody leads: start `contactsync run` with a " + s.Destination.Setting + "."
	case len(s.Refusals) > 0:
		return Trouble, s.refusedSentence()
	case s.DetachedSince != nil:
		return Attention, fmt.Sprintf("Detached since %s: contacts that are queued wait for the tick, until `contactsync migrate attach` puts the triggers back.%s",
			s.clock(*s.DetachedSince, place), s.detachedDue())
	case s.Asleep():
		return Trouble, fmt.Sprintf("Asleep: %s due, the oldest for %s, and nothing woke the leader: as a rule a trigger is missing, see `contactsync doctor`.",
			Count(q.Due, "contact is", "contacts are"), Ago(*q.OldestDueSeconds))
	case q.Due > 0 && q.OldestDueSeconds != nil && *q.OldestDueSeconds > Behind.Seconds():
		return Attention, fmt.Sprintf("Behind: %s due, the oldest for %s.%s", Count(q.Due, "contact is", "contacts are"), Ago(*q.OldestDueSeconds), s.deafness())
	case q.Due > 0 && s.deafness() != "":
		return Attention, fmt.Sprintf("Working: %s due.%s", Count(q.Due, "contact is", "contacts are"), s.deafness())
	case q.Due > 0:
		return Healthy, fmt.Sprintf("Working: %s due.", Count(q.Due, "contact is", "contacts are"))
	case q.Unworked() > 0:
		it := "them"
		if q.Unworked() == 1 {
			it = "it"
		}
		return Attention, fmt.Sprintf("Left over: %s Processing, and nobody works on %s. A leader that has seen that for 15 minutes puts %s back into the queue.",
			Count(q.Unworked(), "contact is", "contacts are"), it, it)
	case q.Error > 0 || s.deafness() != "":
		return Attention, s.restSentence(place) + s.deafness()
	case q.Waiting > 0 && q.NextRetryAt != nil:
		return Healthy, fmt.Sprintf("Waiting for retries or a set time, the next at %s.", s.clock(*q.NextRetryAt, place))
	case q.InFlight > 0:
		return Healthy, fmt.Sprintf("Working: %s on the way to %s.", Count(q.InFlight, "contact is", "contacts are"), s.Destination.Label)
	default:
		return Healthy, s.allWell()
	}
}

func (s Snapshot) detachedDue() string {
	if s.Queue.Due == 0 {
		return ""
	}
	return " " + Count(s.Queue.Due, "contact is", "contacts are") + " due."
}

// restSentence says of a queue in which nothing is due what else it holds.
func (s Snapshot) restSentence(place *time.Location) string {
	q := s.Queue
	text := "The queue is empty"
	if q.Waiting > 0 {
		text = "Nothing is due; " + Count(q.Waiting, "contact waits", "contacts wait") + " for a retry or a set time"
		if q.NextRetryAt != nil {
			text += ", the next at " + s.clock(*q.NextRetryAt, place)
		}
	}
	if q.Error > 0 {
		text += fmt.Sprintf("; %s a person: see failures, then `contactsync retry`",
			Count(q.Error, "contact is in Error and needs", "contacts are in Error and need"))
	}
	return text + "."
}

// Asleep says whether contacts are due although everybody who leads sleeps, because
// whoever queued them did not ring: they wait for the next tick.
func (s Snapshot) Asleep() bool {
	if s.Queue.Due == 0 || s.Queue.OldestDueSeconds == nil || *s.Queue.OldestDueSeconds < Unrung.Seconds() {
		return false
	}
	leads := false
	for _, r := range s.Replicas {
		if r.Role == RoleLeader {
			if !r.Armed {
				return false
			}
			leads = true
		}
	}
	return leads
}

func (s Snapshot) heldSentence(place *time.Location) string {
	text := fmt.Sprintf("Paused by %s since %s", s.Hold.Who, s.clock(s.Hold.Since, place))
	if s.Hold.Reason != "" {
		text += ": " + s.Hold.Reason
	}
	if queued := s.Queue.Due + s.Queue.Waiting; queued > 0 {
		text += fmt.Sprintf(" (%s; `contactsync resume` goes on)", Count(queued, "contact stays queued", "contacts stay queued"))
	}
	if len(s.Leaders) == 0 {
		text += "; and nobody leads"
	}
	return text + "."
}

func (s Snapshot) accountSentence(l Leader, place *time.Location) string {
	text := "Paused: " + whyPaused(l, s.Destination.Label)
	if l.PauseSince != nil {
		text += ", since " + s.clock(*l.PauseSince, place)
	}
	if l.PauseUntil == nil {
		return text + "."
	}
	wait := l.PauseUntil.Sub(s.At)
	switch {
	case wait <= 0:
		text += ", probing now"
	case wait < 2*time.Hour:
		text += ", next probe in " + Ago(wait.Seconds())
	default:
		text += ", next probe at " + s.clock(*l.PauseUntil, place)
	}
	return text + "."
}

// whyPaused says in plain words why the account is paused, or else in the leader's
// own words.
func whyPaused(l Leader, label string) string {
	switch contact.Code(l.PauseCode) {
	case contact.CodeUnauthorized:
		return label + " says the key is wrong"
	case contact.CodeForbidden:
		return label + " says the key lacks a scope"
	case contact.CodePropertyMissing:
		return "a property is missing in " + label
	case contact.CodeDailyLimit:
		return label + "'s requests for today are used up"
	case contact.CodeMigrating:
		return label + " is moving the account"
	case contact.CodeRateLimited:
		return label + " has had too many requests, other apps' perhaps"
	case contact.CodeServerError:
		return label + " answers with errors"
	case contact.CodeTimeout:
		return label + " does not answer in time"
	case contact.CodeNetwork:
		return label + " cannot be reached"
	}
	return l.PauseReason
}

// deafness is what to say of leaders whom no notification reaches, if any.
func (s Snapshot) deafness() string {
	for _, r := range s.Replicas {
		if r.Role == RoleLeader && r.Listener != nil && !*r.Listener {
			return " No notifications arrive, so it looks every second: see `contactsync doctor`."
		}
	}
	return ""
}

// clock is a time as people say it: the hour today, else the day with it.
func (s Snapshot) clock(t time.Time, place *time.Location) string {
	t, now := t.In(place), s.At.In(place)
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04")
	}
	return t.Format("2 Jan 15:04")
}

// Ago is a duration in seconds as people say it.
func Ago(seconds float64) string {
	switch {
	case seconds < 1:
		return fmt.Sprintf("%.0f ms", 1000*seconds)
	case seconds < 10:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 7200:
		return fmt.Sprintf("%.0f min", seconds/60)
	case seconds < 48*3600:
		return fmt.Sprintf("%.0f h", seconds/3600)
	default:
		return fmt.Sprintf("%.0f days", seconds/86400)
	}
}

// Count says how many there are of something.
func Count[N int | int64](n N, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
