package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Field is the member of the body that gets an extra column.
type Field struct {
	Name  string
	Clear bool         // it is null while the column is NULL or blank; else it is left out
	Kind  contact.Kind // of the column; empty where nobody has looked
}

// Names are the members that every body has.
func Names() []string {
	return []string{"contact_id", "email", "name", "scrapersky_domain_id", "scrapersky_page_id", "timestamp"}
}

// body returns what is sent of a contact. A value that it has not is null: receivers
// can count on the members of Names.
func (c *Client) body(of contact.Contact, at time.Time) ([]byte, error) {
	members := map[string]any{
		"contact_id":           of.ID,
		"email":                text(of.Email),
		"name":                 text(of.Name),
		"scrapersky_domain_id": text(of.DomainID),
		"scrapersky_page_id":   text(of.PageID),
		"timestamp":            at.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	for i, value := range of.Extra { // none, where nobody has read them
		if f := c.fields[i]; strings.TrimSpace(value) != "" || f.Clear {
			members[f.Name] = typed(f.Kind, value)
		}
	}
	var out bytes.Buffer
	to := json.NewEncoder(&out)
	to.SetEscapeHTML(false)
	err := to.Encode(members)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// text is a text without the blanks around it, or nil for none.
func text(value string) any {
	if value = strings.TrimSpace(value); value != "" {
		return value
	}
	return nil
}

// typed is the value of an extra column as JSON has it.
func typed(kind contact.Kind, value string) any {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return nil
	case kind == contact.KindNumber && json.Valid([]byte(value)):
		return json.Number(value)
	case kind == contact.KindBool && (value == "true" || value == "false"):
		return value == "true"
	case kind == contact.KindList:
		return strings.Split(value, ";")
	}
	return value
}

// unsendable returns why a contact cannot be sent: JSON takes text alone, and would
// have another one in the place of anything else. An email is not needed.
func unsendable(c contact.Contact) (why contact.Outcome, bad bool) {
	if !utf8.ValidString(c.Email) {
		return contact.Outcome{
			Verdict: contact.Reject, Code: contact.CodeInvalidEmail, Message: "the email address is not valid UTF-8",
		}, true
	}
	for _, value := range append([]string{c.Name, c.DomainID, c.PageID}, c.Extra...) {
		if !utf8.ValidString(value) {
			return contact.Outcome{
				Verdict: contact.Reject, Code: contact.CodeInvalidValue, Message: "a value of the contact is not valid UTF-8",
			}, true
		}
	}
	return contact.Outcome{}, false
}
