package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/scrapersky/contactsync/internal/destination"
)

// PropertyMap is which extra columns of contacts go to which properties of a destination.
// It is written as column:property,column:property!,... where the sign ! has the
// property cleared while the column is NULL or blank.
type PropertyMap struct {
	Pairs []Pair

	text string // as it was set; Properties.check takes it apart
}

// Pair is one extra column.
type Pair struct {
	Column   string // as it is called in the catalog: upper and lower case differ
	Property string
	Clear    bool // a NULL clears the property; otherwise it is left as it is
}

// Columns lists the columns, in the order of the pairs.
func (m PropertyMap) Columns() []string {
	var names []string
	for _, p := range m.Pairs {
		names = append(names, p.Column)
	}
	return names
}

// EnvDecode implements [envconfig.Decoder]. It never fails, because the report
// is to have every problem.
//
// [envconfig.Decoder]: https://pkg.go.dev/github.com/sethvargo/go-envconfig#Decoder
func (m *PropertyMap) EnvDecode(text string) error {
	m.text = text
	return nil
}

// bookkeeping are the columns that contactsync or its triggers write. Their values at
// the time a contact is sent mean nothing at the destination, and one destination's
// would have a contact sent to another one again.
var bookkeeping = slices.Concat(contract, ofBrevo, ofN8N)

var (
	contract = append(destination.Prefixed("hubspot", "hubspot_contact_id").List(), // in every table
		"retry_count", "next_retry_at", "last_retry_at", "last_failed_crm", "updated_at")
	ofBrevo = destination.Prefixed("brevo", "brevo_contact_id").List()
	ofN8N   = destination.Prefixed("n8n", "n8n_workflow_id").List()
)

// written are the columns of the bookkeeping that a map must leave alone: those of a
// destination that is off are the app's own, but in the map of that very destination.
func (rep *report) written(as naming) []string {
	columns := contract
	if as == asAttribute() || rep.isSet("BREVO_API_KEY") || rep.isSet("BREVO_API_KEY_FILE") {
		columns = slices.Concat(columns, ofBrevo)
	}
	if as == asField() || rep.isSet("N8N_WEBHOOK_URL") {
		columns = slices.Concat(columns, ofN8N)
	}
	return columns
}

func (rep *report) isSet(variable string) bool {
	text, _ := rep.env.Lookup(variable)
	return text != ""
}

// naming is what a destination calls what a column goes to.
type naming struct {
	word  string // in the grammar: column:property
	valid *regexp.Regexp
	rule  string // what makes a name valid, for people
}

// article returns the word with its article.
func (n naming) article() string {
	if strings.HasPrefix(n.word, "a") {
		return "an " + n.word
	}
	return "a " + n.word
}

func asProperty() naming {
	return naming{"property", propertyName, "its internal name, a lower-case letter, then lower-case letters, digits and underscores"}
}

func asAttribute() naming {
	return naming{"attribute", attributeName, "an upper-case letter, then upper-case letters, digits and underscores"}
}

func asField() naming {
	return naming{"field", fieldName, "a letter or an underscore, then letters, digits and underscores"}
}

// parse takes the text apart. Owners are the properties that are taken already,
// and by what; written are the columns that contactsync writes. The problems are in words for people.
func (m *PropertyMap) parse(as naming, owners map[string]string, written []string) (problems []string) {
	note := func(format, pair string, args ...any) {
		pair = strconv.Quote(pair)
		if misplaced.MatchString(m.text) { // a secret that was put here by mistake
			pair = "a pair"
		}
		problems = append(problems, fmt.Sprintf(format, append([]any{pair}, args...)...))
	}
	for text := range strings.SplitSeq(m.text, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue // a comma at the end is no mistake
		}
		p, ok := parsePair(text)
		switch owner, taken := owners[p.Property]; {
		case !ok:
			note("%s is not a pair column:"+as.word, text)
		case !as.valid.MatchString(p.Property):
			note("%s does not name "+as.article()+": expected "+as.rule, text)
		case p.Clear && as.word == asAttribute().word:
			note("%s would clear an attribute, which Brevo is not known to do: leave the ! out", text)
		case slices.Contains(written, p.Column):
			note("%s maps a column that contactsync itself writes", text)
		case taken:
			note("%s maps to the "+as.word+" of %s", text, owner)
		default:
			owners[p.Property] = "column " + p.Column
			m.Pairs = append(m.Pairs, p)
		}
	}
	return problems
}

// parsePair reads one pair. The name of a column may hold colons, that of a
// property cannot.
func parsePair(text string) (Pair, bool) {
	at := strings.LastIndex(text, ":")
	if at < 0 {
		return Pair{}, false
	}
	property, clears := strings.CutSuffix(strings.TrimSpace(text[at+1:]), "!")
	p := Pair{Column: strings.TrimSpace(text[:at]), Property: strings.TrimSpace(property), Clear: clears}
	return p, p.Column != "" && p.Property != ""
}
