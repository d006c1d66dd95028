package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/scrapersky/contactsync/internal/statement"
)

// spellings are what apps call the columns that are read of them, without case and
// punctuation.
var spellings = map[string][]string{
	"email":        {"email", "mail", "emailaddress", "mailaddress", "primaryemail", "workemail", "contactemail", "emailaddr"},
	"name":         {"name", "fullname", "displayname", "contactname", "personname"},
	"phone_number": {"phonenumber", "phone", "telephone", "mobile", "mobilephone", "phoneno"},
	"updated_at":   {"updatedat", "updated", "modifiedat", "lastmodified", "updatedon", "dateupdated", "datemodified", "modified"},
}

// lookalikes finds columns that the app seems to have under other names: an empty one of
// ours beside them would be sent, and the app's would not.
func (m *migrator) lookalikes(context.Context) (list []harm, err error) {
	t := m.found.table
	missing, err := m.found.missing()
	if t == nil || err != nil {
		return nil, err
	}
	var pairs, reasons []string
	var halves bool
	for _, w := range missing {
		if spellings[w.name] == nil {
			continue
		}
		if theirs := t.like(w.name); theirs != "" {
			reasons = append(reasons, fmt.Sprintf("no column %s, but %s", w.name, statement.Name(theirs)))
			pairs = append(pairs, w.name+":"+theirs)
		} else if w.name == "name" && t.column("first_name") != nil && t.column("last_name") != nil {
			reasons, halves = append(reasons, "no column name, but first_name and last_name"), true
		}
	}
	if len(reasons) == 0 {
		return nil, nil
	}
	h := harm{reason: fmt.Sprintf("%s has %s: what contactsync adds is empty, and only that would be sent", t.Ident, strings.Join(reasons, "; "))}
	if len(pairs) > 0 {
		for name, theirs := range m.options.Columns {
			pairs = append(pairs, name+":"+theirs)
		}
		slices.Sort(pairs)
		h.remedies = append(h.remedies, "set CONTACTS_COLUMNS="+strings.Join(pairs, ","))
	}
	if halves {
		h.remedies = append(h.remedies, fmt.Sprintf("ALTER TABLE %s ADD COLUMN name text GENERATED ALWAYS AS (coalesce(first_name, '') || ' ' || coalesce(last_name, '')) STORED; -- rewrites the table under an exclusive lock", t.Ident))
	}
	return []harm{h}, nil
}

// like returns the column that seems to be one of the contract; "" where there is none.
func (t *table) like(name string) string {
	for _, spelling := range spellings[name] {
		for _, c := range t.columns {
			if bare(c.Name) == spelling && (name != "updated_at" || c.is(moment)) {
				return c.Name
			}
		}
	}
	return ""
}

// bare is a name without case and punctuation.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
