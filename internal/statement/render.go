package statement

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/scrapersky/contactsync/internal/destination"
)

// Text renders SQL that has no arguments of its own, such as DDL and the bodies of
// functions between dollar quotes, which are SQL as well.
func (t Target) Text(sql string) string {
	s := scanner{rest: sql, target: t}
	return s.run()
}

// Statement renders a statement and numbers its @named arguments.
func (t Target) Statement(sql string) Statement {
	s := scanner{rest: sql, target: t, number: true}
	text := s.run()
	return Statement{SQL: text, names: s.names}
}

// column marks a column of the table where no alias may stand before it, as in a GRANT:
// /* c. */email.
const column = "/* c. */"

// scanner knows as much of SQL's tokens as it takes to leave strings, comments and
// quoted identifiers alone.
type scanner struct {
	rest   string
	target Target
	number bool // @name becomes $n
	names  []string
	out    strings.Builder
	last   string // the last word, where only a dot came after it
	dotted bool
}

func (s *scanner) run() string {
	for s.rest != "" {
		switch c := s.rest[0]; {
		case strings.HasPrefix(s.rest, "--"):
			s.copy(until(s.rest, "\n"))
		case strings.HasPrefix(s.rest, column):
			s.copy(len(column))
			s.last, s.dotted = "c", true
		case strings.HasPrefix(s.rest, "/*"):
			s.copy(until(s.rest, "*/"))
		case c == '\'':
			s.literal(quoted(s.rest))
			s.forget()
		case c == '"':
			n := 1 + until(s.rest[1:], `"`)
			s.word(s.rest[:n], s.rest[:n])
		case isLetter(c):
			n := span(s.rest)
			word := s.rest[:n]
			if s.isCall(word, n) {
				s.out.WriteString("pg_catalog.")
			}
			of := s.qualifier()
			s.word(word, s.target.identifier(of, word))
			s.comparison(of, word)
		case c >= '0' && c <= '9' || c == '$' && len(s.rest) > 1 && isDigit(s.rest[1]):
			s.numeral(1 + span(s.rest[1:]))
			s.forget()
		case s.number && c == '@' && len(s.rest) > 1 && isLetter(s.rest[1]):
			n := 1 + span(s.rest[1:])
			s.argument(s.rest[1:n])
			s.rest = s.rest[n:]
			s.forget()
		case c == '.' && s.last != "":
			s.dotted = true
			s.copy(1)
		default:
			s.copy(1)
			s.forget()
		}
	}
	return s.out.String()
}

// each is a part of a script that is there once for each destination.
var each = regexp.MustCompile(`(?ms)^[ \t]*-- each destination(?:, joined by (\S+(?: \S+)*))?\n(.*?)^[ \t]*-- end\n`)

// Script renders DDL for all destinations of a table at once. What stands between
// the lines "-- each destination" and "-- end" is there once for each, with what
// "-- each destination, joined by OR" names between them; the rest is there once.
func Script(table Table, list []destination.Info, written destination.Info, sql string) string {
	once := For(table, written, written)
	var out strings.Builder
	at := 0
	for _, m := range each.FindAllStringSubmatchIndex(sql, -1) {
		out.WriteString(once.Text(sql[at:m[0]]))
		for i, d := range list {
			if i > 0 && m[2] >= 0 {
				out.WriteString(sql[m[2]:m[3]] + "\n")
			}
			out.WriteString(For(table, d, written).Text(sql[m[4]:m[5]]))
		}
		at = m[1]
	}
	out.WriteString(once.Text(sql[at:]))
	return out.String()
}

// What follows keeps a statement from calling what others put in its way: of functions
// and operators those with the very types at hand come first, wherever in search_path
// they are, before those of Postgres for all enums, or any array, or what is cast. A safe
// search_path would do as well, but the app's own triggers, which our writes fire, may
// need the one that there is.

// grammar is what looks like a call of a function and is none.
var grammar = map[string]bool{"coalesce": true, "nullif": true, "greatest": true, "least": true, "extract": true, "position": true, "substring": true, "overlay": true, "trim": true}

// isCall says whether a word is the name of a function of Postgres: calls are written in
// lower case, the names of other functions with their schema.
func (s *scanner) isCall(word string, n int) bool {
	if s.dotted || !strings.HasPrefix(s.rest[n:], "(") || word != strings.ToLower(word) || grammar[word] {
		return false
	}
	return word != "unnest" || !several(s.rest[n:]) // of several arrays it is grammar, too
}

// several says whether there is more than one argument between the parentheses that
// begin here.
func several(text string) bool {
	depth := 0
	for _, c := range text {
		switch {
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 1:
			return true
		}
		if depth == 0 {
			return false
		}
	}
	return false
}

// compared is the operator between a column and what it is compared with.
var compared = regexp.MustCompile(`^ (=|<>|<=|>=|<|>) `)

// comparison writes the operator behind a column of the app's table, whose types are the
// app's, and behind one that holds the table's ids.
func (s *scanner) comparison(qualifier, word string) {
	m := compared.FindStringSubmatch(s.rest)
	if m == nil || !isTable(qualifier) && (word != "contact_id" || qualifier == "") {
		return
	}
	schema := "pg_catalog"
	if word == "id" || word == "contact_id" {
		schema = s.target.Table.operators()
	}
	s.out.WriteString(" OPERATOR(" + schema + "." + m[1] + ") ")
	s.rest = s.rest[len(m[0]):]
	s.forget()
}

// table is how the catalog is asked for the table.
const table = "'contacts'::regclass"

// literal writes a string. One that is the name of the destination becomes the name
// of the one at hand, and one by which the catalog is asked for the table the table's;
// any other is not ours to change.
func (s *scanner) literal(n int) {
	if strings.HasPrefix(s.rest, table) {
		s.out.WriteString("'" + strings.ReplaceAll(s.target.Table.Name, "'", "''") + "'::regclass")
		s.rest = s.rest[len(table):]
		return
	}
	if s.rest[:n] == "'"+s.target.written.Name+"'" {
		s.out.WriteString("'" + s.target.Destination.Name + "'")
		s.rest = s.rest[n:]
		return
	}
	s.copy(n)
}

// numeral writes a number. One that a comment calls a lock is the key of the
// destination's own: a trigger cannot have it as an argument.
func (s *scanner) numeral(n int) {
	for comment, key := range map[string]int{
		" /* doorbell */": s.target.Destination.Doorbell(),
		" /* slot 0 */":   s.target.Destination.SlotLock(0),
	} {
		if strings.HasPrefix(s.rest[n:], comment) {
			s.out.WriteString(strconv.Itoa(key))
			s.rest = s.rest[n:]
			return
		}
	}
	s.copy(n)
}

func (s *scanner) copy(n int) {
	s.out.WriteString(s.rest[:n])
	s.rest = s.rest[n:]
}

// word writes a word, and remembers it in case that it qualifies the next one.
func (s *scanner) word(read, written string) {
	s.out.WriteString(written)
	s.rest = s.rest[len(read):]
	s.last, s.dotted = read, false
}

func (s *scanner) forget() { s.last, s.dotted = "", false }

// qualifier returns the word that qualifies the one that begins here.
func (s *scanner) qualifier() string {
	if s.dotted {
		return s.last
	}
	return ""
}

// argument writes an argument as $n: the same name is the same argument.
func (s *scanner) argument(name string) {
	at := len(s.names)
	for i, known := range s.names {
		if known == name {
			at = i
		}
	}
	if at == len(s.names) {
		s.names = append(s.names, name)
	}
	s.out.WriteString("$" + strconv.Itoa(at+1))
}

// until returns how many bytes there are up to the end of what ends with this.
func until(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// quoted returns how many bytes the string has that begins here. Two quotes within
// it are one.
func quoted(text string) int {
	n := 1 + until(text[1:], "'")
	for n < len(text) && text[n] == '\'' {
		n += 1 + until(text[n+1:], "'")
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// span returns how many bytes of letters and digits there are.
func span(text string) int {
	for i := range len(text) {
		if !isLetter(text[i]) && !isDigit(text[i]) {
			return i
		}
	}
	return len(text)
}
