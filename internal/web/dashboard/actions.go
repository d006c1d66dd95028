package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/ops"
)

// What can be done with a contact: the last part of the URL.
const (
	doSend  = "send-now"
	doRetry = "retry"
	doSkip  = "skip"
)

// errBadForm is the error of a request for something that does not exist.
var errBadForm = errors.New("the page that you come from may be old: go back and reload it")

// action is something that can be done once a person has confirmed it.
type action struct {
	Head, Text string // what it means, for the person who is to confirm it
	Button     string
	Danger     bool
	Reason     bool   // a reason can be given
	Back       string // where to go afterwards, and without

	do func(ctx context.Context, who, reason string) (said string, err error)
}

// confirmation is the page that asks.
type confirmation struct {
	action
	URL string
}

// button adds the page that asks for a confirmation, and the action behind it. Find
// returns the action.
func (d *Dashboard) button(mux *http.ServeMux, path string, find func(r *http.Request) (action, error)) {
	mux.Handle("GET "+path, d.page(func(r *http.Request) (view, error) {
		if d.ReadOnly {
			return readOnly(), nil
		}
		what, err := find(r)
		if err != nil {
			return view{}, err
		}
		return view{Page: "confirm", Title: what.Head, Data: confirmation{what, r.URL.Path}}, nil
	}))
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		if d.ReadOnly {
			d.show(w, r, readOnly())
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), actionTimeout)
		defer cancel()
		what, err := find(r.WithContext(ctx))
		if err == nil {
			err = d.perform(w, r.WithContext(ctx), what)
		}
		if err != nil {
			d.show(w, r, d.trouble(ctx, err))
		}
	})
}

// actionTimeout bounds an action; the server cuts responses after 30 s.
const actionTimeout = 25 * time.Second

func readOnly() view {
	return view{Page: "message", Title: "Read-only dashboard", status: http.StatusForbidden, Data: message{
		"Read-only dashboard", "DASHBOARD_READ_ONLY is set: nothing can be changed here.", []string{"The same can be done with `contactsync` on a terminal."},
	}}
}

// perform does it and leads back, with a word about what became of it.
func (d *Dashboard) perform(w http.ResponseWriter, r *http.Request, what action) error {
	if err := r.ParseForm(); err != nil {
		return errBadForm
	}
	said, err := what.do(r.Context(), who(r), clip(r.PostFormValue("reason"), 200))
	if err != nil {
		return err
	}
	d.cache.forget()
	d.giveFlash(w, r, said)
	http.Redirect(w, r, what.Back, http.StatusSeeOther)
	return nil
}

// contactAction is what is done with one contact.
func (d *Dashboard) contactAction(r *http.Request) (action, error) {
	verb := r.PathValue("action")
	if !slices.Contains([]string{doSend, doRetry, doSkip}, verb) {
		return action{}, errNoPage
	}
	c, _, err := d.Store.Detail(r.Context(), r.PathValue("id"), 1)
	if err != nil {
		return action{}, err
	}
	name := d.email(c.Email)
	if name == "" {
		name = "the contact without an email"
	}
	what := action{Back: "/contacts/" + c.ID}
	switch verb {
	case doSend:
		what.Head, what.Button = "Send "+name+" now?", "Send now"
		what.Text = "It goes into the queue as a fresh request, due at once and with all its attempts, and " + d.label() + " gets it as it is in the database."
		if d.SkipsUnchanged {
			what.Text += " If " + d.label() + " was told all of that already, nothing is sent: `contactsync sync " + c.ID + "` sends it all the same."
		}
		what.do = d.toQueue(c.ID, ops.DidSendNow, "It is in the queue and goes to "+d.label()+" now.")
	case doRetry:
		what.Head, what.Button = "Retry "+name+"?", "Retry"
		what.Text = "It goes into the queue again, due at once and with all its attempts."
		if advice := d.Advice.For(contact.Code(c.Code)); c.Code != "" && !advice.Alone {
			what.Text += " It failed with " + c.Code + ", which seldom mends itself: " + advice.Do
		}
		what.do = d.toQueue(c.ID, ops.DidRetry, "It is in the queue again and goes to "+d.label()+" now.")
	case doSkip:
		what.Head, what.Button, what.Danger = "Skip "+name+"?", "Skip", true
		what.Text = "It leaves the queue and is not synced until somebody queues it again. " + d.label() + " keeps what it has."
		what.do = func(ctx context.Context, who, _ string) (string, error) {
			skipped, err := d.Store.Skip(ctx, []string{c.ID})
			if err != nil {
				return "", err
			}
			if len(skipped) == 0 {
				return "Nothing was changed: it is in " + d.label() + " already.", nil
			}
			return "It is skipped.", d.record(ctx, ops.Action{Who: who, Action: ops.DidSkip, ContactID: c.ID, Rows: 1})
		}
	}
	return what, nil
}

// record writes down what was done, also when whoever did it has left meanwhile.
func (d *Dashboard) record(ctx context.Context, a ops.Action) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	defer cancel()
	return d.Store.Record(ctx, a)
}

// toQueue queues one contact.
func (d *Dashboard) toQueue(id string, as ops.Verb, said string) func(ctx context.Context, who, reason string) (string, error) {
	return func(ctx context.Context, who, _ string) (string, error) {
		found, err := d.Store.Queue(ctx, []string{id})
		if err != nil {
			return "", err
		}
		if len(found) == 0 {
			return "", ops.ErrNoContact
		}
		return said, d.record(ctx, ops.Action{Who: who, Action: as, ContactID: id, Rows: 1})
	}
}

// retryCode is the retry of all contacts in Error with one code.
func (d *Dashboard) retryCode(r *http.Request) (action, error) {
	code := oneOf(contact.Code(r.PathValue("code")), contact.Codes())
	if code == "" {
		return action{}, errNoPage
	}
	advice := d.Advice.For(code)
	return action{
		Head: fmt.Sprintf("Retry all contacts in Error with %s?", code), Button: "Retry all", Back: "/failures",
		Text: "They go into the queue again, due at once and with all their attempts. " + advice.Do,
		do:   func(ctx context.Context, who, _ string) (string, error) { return d.retryAll(ctx, who, code) },
	}, nil
}

// retryAllFor is how long one press of the button goes on.
const retryAllFor = 15 * time.Second

// errEnough ends a retry of very many.
var errEnough = errors.New("enough for one press")

func (d *Dashboard) retryAll(ctx context.Context, who string, code contact.Code) (string, error) {
	rows, until := 0, time.Now().Add(retryAllFor)
	err := d.Store.RetryFailed(ctx, string(code), func(queued []string) error {
		rows += len(queued)
		if time.Now().After(until) {
			return errEnough
		}
		return nil
	})
	if err != nil && rows == 0 {
		return "", err
	}
	said := fmt.Sprintf("%s contacts with %s are in the queue again.", number(rows), code)
	if rows == 1 {
		said = fmt.Sprintf("1 contact with %s is in the queue again.", code)
	}
	if err != nil {
		said += " There are more: press again, or run `contactsync retry --code " + string(code) + "`."
	}
	return said, d.record(ctx, ops.Action{Who: who, Action: ops.DidRetry, Detail: string(code), Rows: rows})
}

// pause keeps all replicas from sending.
func (d *Dashboard) pause(*http.Request) (action, error) {
	return action{
		Head: "Pause the sync?", Button: "Pause", Back: "/", Reason: true,
		Text: "Every replica stops taking contacts at once. What is in flight is finished; everything else stays queued, and nothing is lost. " +
			"It lasts until somebody resumes it.",
		do: func(ctx context.Context, who, reason string) (string, error) {
			already, err := d.Store.Pause(ctx, who, reason)
			if err == nil && already {
				return "It was paused already.", nil
			}
			return "Paused: nothing is sent until somebody resumes it.", err
		},
	}, nil
}

// resume ends the pause.
func (d *Dashboard) resume(*http.Request) (action, error) {
	return action{
		Head: "Resume the sync?", Button: "Resume", Back: "/",
		Text: "The queue is worked off again, the contacts that are due first.",
		do: func(ctx context.Context, who, _ string) (string, error) {
			was, err := d.Store.Resume(ctx, who)
			if err == nil && !was {
				return "It was not paused.", nil
			}
			return "Resumed: the queue is worked off.", err
		},
	}, nil
}
