package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/scrapersky/contactsync/internal/statement"
)

// ColumnMap is what the app calls columns of the contract that have other names in its
// table: contract:theirs,contract:theirs.
type ColumnMap struct {
	Names map[string]string // email → mail, as they are called in the catalog: upper and lower case differ

	text string // as it was set; Contacts.check takes it apart
}

// EnvDecode implements [envconfig.Decoder]. It never fails, because the report
// is to have every problem.
//
// [envconfig.Decoder]: https://pkg.go.dev/github.com/sethvargo/go-envconfig#Decoder
func (m *ColumnMap) EnvDecode(text string) error {
	m.text = text
	return nil
}

// tableName is a table with its schema or without, each quoted where it must be.
var tableName = regexp.MustCompile(`^(` + identifier + `\.)?` + identifier + `$`)

const identifier = `([\pL_][\pL\pN_$]*|"([^"]|"")+")`

func (c *Contacts) check(rep *report) {
	if !tableName.MatchString(c.Table) {
		rep.add("CONTACTS_TABLE", false, `expected the name of a table, with its schema or without, quoted where it must be: contacts, app.people, app."People"`)
	}
	if problems := c.Columns.parse(); len(problems) > 0 {
		rep.add("CONTACTS_COLUMNS", false, "%s; expected column:name,… with the contract's column first, for example email:mail,name:full_name",
			strings.Join(problems, "; "))
	}
}

// parse takes the text apart. The problems are in words for people.
func (m *ColumnMap) parse() (problems []string) {
	mappable := statement.Mappable()
	names := map[string]string{}
	for text := range strings.SplitSeq(m.text, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue // a comma at the end is no mistake
		}
		ours, theirs, found := strings.Cut(text, ":")
		ours, theirs = strings.TrimSpace(ours), strings.TrimSpace(theirs)
		pair := strconv.Quote(text)
		if misplaced.MatchString(m.text) { // a secret that was put here by mistake
			pair, ours = "a pair", "a column"
		}
		_, twice := names[ours]
		switch {
		case !found || ours == "" || theirs == "":
			problems = append(problems, pair+" is not a pair column:name")
		case !slices.Contains(mappable, ours):
			problems = append(problems, fmt.Sprintf("%s: %s is not one of %s", pair, ours, strings.Join(mappable, ", ")))
		case twice:
			problems = append(problems, fmt.Sprintf("%s maps %s twice", pair, ours))
		case slices.Contains(bookkeeping, theirs) && theirs != "updated_at":
			problems = append(problems, pair+" names a column that contactsync itself writes")
		default:
			names[ours] = theirs
		}
	}
	// No two may be the same column, those that keep their names included.
	owner := map[string]string{}
	for _, ours := range mappable {
		theirs, ok := names[ours]
		if !ok {
			theirs = ours
		}
		if other, taken := owner[theirs]; taken {
			problems = append(problems, fmt.Sprintf("%s and %s would both be column %q", other, ours, theirs))
		}
		owner[theirs] = ours
	}
	if len(problems) == 0 && len(names) > 0 {
		m.Names = names
	}
	return problems
}
