package brevo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
)

// AttributeNames are the account's attributes that contacts are written to.
type AttributeNames struct {
	// First and Last get the name. Empty: those of the account's language.
	First, Last string

	Phone, DomainID, PageID string // texts; what has no name is not sent

	Extra []Extra // of the extra columns, in the order of contact.Contact.Extra
}

// Extra is the attribute that gets an extra column.
type Extra struct {
	Name string
	Kind contact.Kind // of the column; empty where nobody has looked
}

// nameAttributes are the names that an account has from the start, by its language.
var nameAttributes = [][2]string{
	{"FIRSTNAME", "LASTNAME"}, {"PRENOM", "NOM"}, {"NOMBRE", "APELLIDOS"}, {"NOME", "COGNOME"}, {"NOME", "SOBRENOME"}, {"VORNAME", "NACHNAME"},
}

// attributes are those that an account has.
type attributes struct {
	types       map[string]string // of those that can be written to, by name
	first, last string            // that get the name
}

// wanted is an attribute that contacts are written to.
type wanted struct {
	name  string
	kind  contact.Kind // of what is sent
	types []string     // that take it; the first is the one that set-up gives it
}

// takers lists the types of attributes that take a column of a kind.
func takers(k contact.Kind) []string {
	switch k {
	case contact.KindBool:
		return []string{"boolean", "text"}
	case contact.KindNumber:
		return []string{"float", "text"}
	case contact.KindDay, contact.KindTime:
		return []string{"date", "text"}
	case contact.KindList:
		return []string{"text", "multiple-choice"}
	}
	return []string{"text"}
}

// wanted lists the attributes that contacts are written to, but for the names.
func (n AttributeNames) wanted() (list []wanted) {
	for _, name := range []string{n.Phone, n.DomainID, n.PageID} {
		if name != "" {
			list = append(list, wanted{name, contact.KindText, []string{"text"}})
		}
	}
	for _, x := range n.Extra {
		if !slices.Contains(numbers, x.Name) { // which are built in, and not listed
			list = append(list, wanted{x.Name, x.Kind, takers(x.Kind)})
		}
	}
	return list
}

// listAttributes asks for the attributes that the account has.
func (c *Client) listAttributes(ctx context.Context, u *usage) (*attributes, *Error) {
	res, e := c.call(ctx, u, http.MethodGet, "/contacts/attributes", nil)
	if e != nil {
		return nil, e
	}
	var told struct {
		Attributes []struct{ Name, Category, Type string } `json:"attributes"`
	}
	if e := res.decode(&told); e != nil {
		return nil, e
	}
	a := &attributes{types: map[string]string{}, first: c.options.Attributes.First, last: c.options.Attributes.Last}
	for _, t := range told.Attributes {
		if t.Category == "normal" {
			a.types[t.Name] = t.Type
		}
	}
	for _, pair := range nameAttributes {
		_, first := a.types[pair[0]]
		_, last := a.types[pair[1]]
		if first && last && a.first == "" && a.last == "" {
			a.first, a.last = pair[0], pair[1]
		}
	}
	return a, nil
}

// faults says what keeps contacts from being written as they should be: Brevo drops what
// it has no attribute for, and what is of another type, without a word.
func (a *attributes) faults(n AttributeNames) (list []string) {
	if a.first == "" || a.last == "" {
		list = append(list, "no attributes for the name: set BREVO_ATTRIBUTE_FIRSTNAME and BREVO_ATTRIBUTE_LASTNAME to those of the account")
	}
	all := n.wanted()
	for _, name := range []string{a.first, a.last} {
		if name != "" {
			all = append(all, wanted{name, contact.KindText, []string{"text"}})
		}
	}
	for _, w := range all {
		switch kind, ok := a.types[w.name]; {
		case !ok:
			list = append(list, fmt.Sprintf("no attribute %s (type %s)", w.name, w.types[0]))
		case !slices.Contains(w.types, kind):
			list = append(list, fmt.Sprintf("attribute %s is of type %s, expected %s", w.name, kind, strings.Join(w.types, " or ")))
		}
	}
	return list
}

// checkSetup looks whether the account has the attributes and the list that contacts are
// written to. What it finds holds until the account is paused for it, or the key changes.
// It never blames a row: none was sent.
func (c *Client) checkSetup(ctx context.Context, u *usage) (*attributes, *Error) {
	a, e := c.readSetup(ctx, u)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attributes = a // nil after a failure: they are looked at anew before the next contact
	if e != nil && slices.Contains([]kind{kindRow, kindNumber, kindDoubted, kindOther}, e.Kind) {
		e.Kind, e.Code = kindSetup, contact.CodePropertyMissing
		e.Message = clip("the account's attributes or its list cannot be read: " + e.Message + ". Correct BREVO_API_BASE_URL and BREVO_LIST_ID")
	}
	return a, e
}

func (c *Client) readSetup(ctx context.Context, u *usage) (*attributes, *Error) {
	a, e := c.listAttributes(ctx, u)
	if e != nil {
		return nil, e
	}
	if faults := a.faults(c.options.Attributes); len(faults) > 0 {
		return nil, &Error{
			Kind: kindSetup, Code: contact.CodePropertyMissing,
			Message: clip("Brevo would drop values without a word: " + strings.Join(faults, "; ") +
				". Create what is missing in Brevo (Contacts > Settings > Contact attributes), or name others in BREVO_ATTRIBUTE_…"),
		}
	}
	if e := c.checkList(ctx, u); e != nil {
		return nil, e
	}
	return a, nil
}

// checkList looks whether the account has the list that contacts are added to.
func (c *Client) checkList(ctx context.Context, u *usage) *Error {
	id := c.options.ListID
	if id == 0 {
		return nil
	}
	_, e := c.call(ctx, u, http.MethodGet, "/contacts/lists/"+text(id), nil)
	if e != nil && e.Status == http.StatusNotFound {
		return &Error{
			Kind: kindSetup, Code: contact.CodePropertyMissing, Status: e.Status, CorrelationID: e.CorrelationID,
			Message: fmt.Sprintf("Brevo has no list %d: correct BREVO_LIST_ID, or leave it out", id),
		}
	}
	return e
}

// setup returns the attributes that contacts are written to.
func (c *Client) setup(ctx context.Context, u *usage) (*attributes, *Error) {
	c.mu.Lock()
	known := c.attributes
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	return c.checkSetup(ctx, u)
}

// values returns what is sent of a contact, and what had to be left out. A blank value is
// not sent: nobody knows whether Brevo would clear the attribute.
func (a *attributes) values(n AttributeNames, c contact.Contact) (values map[string]any, leftOut []string) {
	first, last := contact.SplitName(c.Name)
	values = map[string]any{}
	for name, value := range map[string]string{
		a.first: first, a.last: last, n.Phone: c.Phone, n.DomainID: c.DomainID, n.PageID: c.PageID,
	} {
		if value = strings.TrimSpace(value); value != "" && name != "" {
			values[name] = value
		}
	}
	for i, value := range c.Extra { // none, where nobody has read them
		x := n.Extra[i]
		if value = strings.TrimSpace(value); value == "" {
			continue
		}
		if sent, ok := convert(a.types[x.Name], x, value); ok {
			values[x.Name] = sent
		} else {
			leftOut = append(leftOut, x.Name)
		}
	}
	return values, leftOut
}

// dialable is a number with its country code: +49…, 0049…, 49….
var dialable = regexp.MustCompile(`^(\+|00)?[1-9][0-9]{5,17}$`)

// punctuation is what people put between the digits of a number.
var punctuation = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "", "\u00a0", "")

// decimal is a number that Brevo keeps, of at most 15 digits.
var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// convert makes of a column's text what an attribute of a type takes; ok is false where
// that cannot be.
func convert(kind string, x Extra, value string) (sent any, ok bool) {
	if slices.Contains(numbers, x.Name) {
		value = punctuation.Replace(value)
		return value, dialable.MatchString(value)
	}
	switch kind {
	case "boolean":
		return value == "true", value == "true" || value == "false"
	case "float":
		digits := strings.Count(value, "") - 1 - strings.Count(value, "-") - strings.Count(value, ".")
		return json.Number(value), decimal.MatchString(value) && digits <= 15
	case "date":
		day := value[:min(len(value), len(time.DateOnly))]
		_, err := time.Parse(time.DateOnly, day)
		return day, err == nil
	case "multiple-choice":
		return strings.Split(value, ";"), true
	}
	if x.Kind == contact.KindBool { // as the Python of the system before it wrote them
		return strings.ToUpper(value[:1]) + value[1:], true
	}
	return value, true
}

// unsendable returns why a contact cannot be sent at all.
func unsendable(c contact.Contact) (why contact.Outcome, bad bool) {
	key := c.Key()
	switch {
	case key == "":
		return contact.Outcome{Verdict: contact.Reject, Code: contact.CodeNoEmail, Message: "the contact has no email address"}, true
	case !utf8.ValidString(c.Email):
		return contact.Outcome{Verdict: contact.Reject, Code: contact.CodeInvalidEmail, Message: "the email address is not valid UTF-8"}, true
	case strings.ContainsFunc(key, unicode.IsControl):
		return contact.Outcome{Verdict: contact.Reject, Code: contact.CodeInvalidEmail, Message: "the email address holds control characters"}, true
	}
	return contact.Outcome{}, false
}
