package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/redact"
)

// funcs is what the templates can do.
func (d *Dashboard) funcs(files assets) template.FuncMap {
	return template.FuncMap{
		"asset":   func(name string) string { return files.urls[name] },
		"n":       number,
		"upto":    upTo,
		"percent": percent,
		"seconds": seconds,
		"clock":   func(t any) template.HTML { return stamp(t, "clock", " UTC") },
		"hour":    func(t any) template.HTML { return stamp(t, "clock", "") },
		"ago":     func(t any) template.HTML { return stamp(t, "ago", " UTC") },
		"email":   d.email,
		"words":   d.words,
		"prose":   prose,
		"advice":  func(code string) destination.Advice { return d.Advice.For(contact.Code(code)) },
		"link":    d.links.contact,
		"icon":    icon,
		"ticks":   ticks,
		"lower":   strings.ToLower,
		"label":   d.label,
		"setting": func() string { return d.Store.Destination().Setting },
		"columns": func() destination.Columns { return d.Store.Destination().Columns },
		"has":     func(b *bool) bool { return b != nil && *b },
		"deref":   func(n *int) int { return *n },
		"pair":    func(a, b any) []any { return []any{a, b} },
	}
}

// label is the destination as people call it.
func (d *Dashboard) label() string { return d.Store.Destination().Label }

// number groups its digits: 1,234,567.
func number(n any) string {
	text := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// upTo is a number that was counted up to a bound alone.
func upTo(n int64) string {
	if n > ops.MostShown {
		return number(ops.MostShown) + "+"
	}
	return number(n)
}

func seconds(s any) string {
	switch s := s.(type) {
	case float64:
		return ops.Ago(max(0, s))
	case *float64:
		if s == nil {
			return "–"
		}
		return ops.Ago(max(0, *s))
	}
	return "–"
}

// stamp is a point in time: in UTC, and for the script, which knows where the
// reader is and counts how long ago it was.
func stamp(at any, as, zone string) template.HTML {
	var t time.Time
	switch at := at.(type) {
	case time.Time:
		t = at
	case *time.Time:
		if at != nil {
			t = *at
		}
	}
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	format := "15:04:05"
	if time.Since(t).Abs() > 18*time.Hour {
		format = "2 Jan 2006 15:04"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-as="%s">%s%s</time>`, //nolint:gosec // made of a time alone
		t.Format("2006-01-02T15:04:05.000Z"), as, t.Format(format), zone))
}

// email is an address as it may be shown.
func (d *Dashboard) email(address string) string {
	if d.HideEmails {
		return redact.Email(address)
	}
	return address
}

// words returns a message of the destination or the database, as it may be shown.
func (d *Dashboard) words(text string, known ...string) string {
	if d.HideEmails {
		return redact.Text(text, known...)
	}
	return text
}

// prose sets what stands between `backticks` as code.
func prose(text string) template.HTML {
	parts := strings.Split(template.HTMLEscapeString(text), "`")
	for i := 1; i+1 < len(parts); i += 2 {
		parts[i] = "<code>" + parts[i] + "</code>"
	}
	return template.HTML(strings.Join(parts, "")) //nolint:gosec // escaped
}

// icon refers to a picture of the layout.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`) //nolint:gosec // escaped
}

// round rounds up to a number that people like to read and to halve, at least 2.
func round(most float64) float64 {
	if most <= 2 {
		return 2
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, step := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8, 10} {
		if most <= step*power {
			return step * power
		}
	}
	return most
}

// ticks are the labels of a scale from nothing to the most, from the top.
func ticks(most float64) []string {
	label := func(v float64) string {
		if v == math.Trunc(v) {
			return number(strconv.FormatFloat(v, 'f', 0, 64))
		}
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return []string{label(most), label(most / 2), "0"}
}

func percent(part float64) string { return fmt.Sprintf("%.1f %%", 100*part) }
