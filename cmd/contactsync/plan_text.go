package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/printable"
	"github.com/scrapersky/contactsync/internal/redact"
)

// planned is what a sync would do. Its JSON form is what scripts read.
type planned struct {
	Paused   *contact.Pause   `json:"paused,omitempty"`  // who keeps everything from being sent until somebody resumes
	Blocked  []string         `json:"blocked,omitempty"` // why nothing at all would be sent
	Contacts []plannedContact `json:"contacts"`
	Counts   planCounts       `json:"counts"`
	More     bool             `json:"more"` // there are contacts beyond --limit
	Missing  []string         `json:"missing,omitempty"`
}

type plannedContact struct {
	IDs       []string            `json:"ids"` // of all rows that are sent as one
	Email     string              `json:"email"`
	Effect    destination.Effect  `json:"effect"`
	HubSpotID string              `json:"hubspot_id,omitempty"`
	Fields    []destination.Field `json:"fields,omitempty"`
	Code      contact.Code        `json:"code,omitempty"`
	Message   string              `json:"message,omitempty"`
}

// planCounts counts contacts, but for Rows.
type planCounts struct {
	Rows      int `json:"rows"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Rejected  int `json:"rejected"`
	Unclear   int `json:"unclear"`
}

// add counts some contacts and shows them.
func (o *planned) add(plan []app.Planned, view *planView) {
	for _, p := range plan {
		c := plannedContact{
			IDs: p.IDs, Email: view.email(p.Email), Effect: p.Effect, HubSpotID: p.RemoteID,
			Fields: p.Fields, Code: p.Code, Message: view.text(p.Message, p.Email),
		}
		o.Counts.Rows += len(c.IDs)
		*o.Counts.of(c.Effect)++
		o.Contacts = append(o.Contacts, c)
		view.show(c)
	}
	if !view.quiet {
		o.Contacts = nil // shown, and there may be very many
	}
}

func (n *planCounts) of(e destination.Effect) *int {
	return map[destination.Effect]*int{
		destination.Creates: &n.Created, destination.Updates: &n.Updated, destination.Nothing: &n.Unchanged,
		destination.Rejects: &n.Rejected, destination.Unclear: &n.Unclear,
	}[e]
}

// planView shows a plan for people.
type planView struct {
	out    io.Writer
	redact bool // hide email addresses
	quiet  bool
}

var effectSigns = map[destination.Effect]string{
	destination.Creates: "+", destination.Updates: "~", destination.Nothing: "=", destination.Rejects: "✗", destination.Unclear: "?",
}

func (v *planView) email(email string) string {
	if v.redact {
		return redact.Email(strings.TrimSpace(email))
	}
	return strings.TrimSpace(email)
}

func (v *planView) text(message, email string) string {
	if v.redact {
		return redact.Text(message, email)
	}
	return message
}

func (v *planView) paused(hold *contact.Pause) {
	if !v.quiet && hold != nil {
		say(v.out, "! the sync is paused by %s%s; until `contactsync resume` nothing is sent\n", hold.Who, because(hold))
	}
}

func (v *planView) blocked(reasons []string) {
	if v.quiet {
		return
	}
	for _, reason := range reasons {
		say(v.out, "! nothing would be sent: %s\n", reason)
	}
}

func (v *planView) show(c plannedContact) {
	if v.quiet {
		return
	}
	email := c.Email
	if email == "" {
		email = "(no email)"
	}
	line := fmt.Sprintf("%s %-9s  %s  %s", effectSigns[c.Effect], c.Effect, strings.Join(c.IDs, " and "), email)
	if c.HubSpotID != "" {
		line += "  HubSpot contact " + c.HubSpotID
	}
	if c.Message != "" {
		line += "  " + string(c.Code) + ": " + c.Message
	}
	say(v.out, "%s\n", line)
	for _, f := range c.Fields {
		if f.Before == "" {
			say(v.out, "    %s: %s\n", f.Name, quoted(f.After))
		} else {
			say(v.out, "    %s: %s → %s\n", f.Name, quoted(f.Before), quoted(f.After))
		}
	}
}

// quoted is a value in quotes, in which say finds nothing more to do.
func quoted(text string) ours { return ours(printable.Quote(text)) }

func (v *planView) sum(o *planned) {
	n := o.Counts
	if n.Rows > 0 {
		say(v.out, "\n")
	}
	people := n.Created + n.Updated + n.Unchanged + n.Rejected + n.Unclear
	say(v.out, "%s %s: %d created, %d updated, %d unchanged, %d rejected",
		ops.Count(n.Rows, "row is", "rows are"), contacts(people), n.Created, n.Updated, n.Unchanged, n.Rejected)
	if n.Unclear > 0 {
		say(v.out, ", %d unclear", n.Unclear)
	}
	say(v.out, "\n")
	if o.More {
		say(v.out, "There are more: raise --limit.\n")
	}
}
