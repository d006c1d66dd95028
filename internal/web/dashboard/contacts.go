package dashboard

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/ops"
)

// statuses are what a list can be of, as people meet them.
var statuses = []string{"Queued", "Processing", "Error", "Complete", "New", "Selected", "Skipped"}

// list is what the page of contacts shows.
type list struct {
	ops.Page
	Filter        ops.Filter
	Status        string // of the tab
	Tabs          []tab
	Codes         []contact.Code
	Next, Earlier string // addresses of the pages beside this one
	First         string
	Hidden        bool
}

type tab struct {
	Name, URL string
	Here      bool
}

func (d *Dashboard) contacts(r *http.Request) (view, error) {
	q := r.URL.Query()
	f := ops.Filter{
		Text: clip(q.Get("q"), 200), Hidden: d.HideEmails,
		Code: string(oneOf(contact.Code(q.Get("code")), contact.Codes())),
	}
	status := oneOf(q.Get("status"), statuses)
	switch status {
	case ops.StatusQueued, ops.StatusProcessing, ops.StatusError, ops.StatusComplete:
		f.Status = status
	default: // what a person decided
		f.Mirror = status
	}
	at := ops.Cursor{ID: q.Get("after")}
	if before := q.Get("before"); before != "" {
		at = ops.Cursor{ID: before, Back: true}
	}
	if q.Get("end") != "" {
		at = ops.Cursor{Back: true}
	}
	if at.ID != "" {
		as, err := d.Store.IDs(r.Context())
		if err != nil {
			return view{}, err
		}
		id, is := as.Parse(at.ID)
		if !is {
			return view{}, errNoPage
		}
		at.ID = id
	}
	page, err := d.Store.List(r.Context(), f, at)
	if err != nil {
		return view{}, err
	}
	l := list{Page: page, Filter: f, Status: status, Codes: contact.Codes(), Hidden: d.HideEmails, First: listURL(f, status, "", "")}
	if page.After != "" {
		l.Next = listURL(f, status, "after", page.After)
	}
	if page.Before != "" {
		l.Earlier = listURL(f, status, "before", page.Before)
	}
	l.Tabs = append(l.Tabs, tab{"All", listURL(ops.Filter{Text: f.Text}, "", "", ""), status == ""})
	for _, s := range statuses {
		l.Tabs = append(l.Tabs, tab{s, listURL(ops.Filter{Text: f.Text}, s, "", ""), status == s})
	}
	return view{Page: "contacts", Title: "Contacts", Nav: "contacts", Data: l, Every: 10}, nil
}

func listURL(f ops.Filter, status, key, id string) string {
	q := url.Values{}
	for k, v := range map[string]string{"status": status, "code": f.Code, "q": f.Text, key: id} {
		if k != "" && v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return "/contacts"
	}
	return "/contacts?" + q.Encode()
}

// oneOf is the value, if it is one of those that there are.
func oneOf[T ~string](value T, all []T) T {
	if slices.Contains(all, value) {
		return value
	}
	return ""
}

// clip is a text of a form: what can be text in the database, of bounded length.
func clip(text string, most int) string {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", ""))
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most])
	}
	return text
}
