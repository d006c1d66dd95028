package config

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

func (f field) isDuration() bool { return f.Type == reflect.TypeFor[time.Duration]() }

// options are the values of an enumeration; none for any other field.
func (f field) options() []string { return strings.Fields(f.Tag.Get("oneof")) }

// limits are the two ends of the range as they were written; empty when open.
func (f field) limits() (least, most string) {
	least, most, _ = strings.Cut(f.Tag.Get("range"), "..")
	return least, most
}

func (f field) inRange() bool {
	least, most := f.limits()
	return (least == "" || f.value.Int() >= f.number(least)) &&
		(most == "" || f.value.Int() <= f.number(most))
}

// number reads a limit. A mistake in a tag is one of this package, and every
// tag is read by its tests.
func (f field) number(limit string) int64 {
	if f.isDuration() {
		d, err := time.ParseDuration(limit)
		if err != nil {
			panic("config: range of " + f.name + ": " + err.Error())
		}
		return int64(d)
	}
	n, err := strconv.ParseInt(limit, 10, 64)
	if err != nil {
		panic("config: range of " + f.name + ": " + err.Error())
	}
	return n
}

// expected returns, in words, the values that the field takes.
func (f field) expected() string {
	if options := f.options(); len(options) > 0 {
		last := len(options) - 1
		return strings.Join(options[:last], ", ") + " or " + options[last]
	}
	kind := "a whole number"
	switch {
	case strings.HasSuffix(f.name, minutesSuffix):
		kind = "a number of minutes, or a duration with its unit,"
	case f.isDuration():
		kind = "a duration with its unit"
	case f.Type.Kind() == reflect.Bool:
		return "true or false"
	}
	switch least, most := f.limits(); {
	case least == "":
		return kind
	case most == "":
		return kind + " of at least " + least
	default:
		return kind + " from " + least + " to " + most
	}
}

// forExample ends a message with a value that would be right.
func (f field) forExample() string {
	example := f.Tag.Get("example")
	if f.fallback != "" {
		example = f.fallback
	}
	if example == "" || f.Type.Kind() == reflect.Bool || len(f.options()) > 0 {
		return ""
	}
	return ", for example " + example
}
