package hubspotsim

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxText is the longest text a property takes, in characters.
const maxText = 65_536

// numeric is a decimal number, with an exponent perhaps: neither NaN nor 0x10.
var numeric = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// valueError says why a property's value is refused.
type valueError struct {
	Property, Code, Message string
}

// warning says that a value was changed before it was stored.
type warning struct {
	Category string            `json:"category"`
	Context  map[string]string `json:"context"`
	Message  string            `json:"message"`
}

// checked is the values of a write after they were looked at.
type checked struct {
	values   map[string]string // to store
	warnings []warning
	errors   []valueError
}

// check looks at the values of a write, in the order of their names. Only
// version 2026-09 insists on required properties, and repairs dates instead of
// refusing them.
func (s *schema) check(version string, sent map[string]string, creating bool) checked {
	c := checked{values: sent}
	for name, value := range sent {
		property, ok := s.properties[name]
		switch {
		case !ok:
			c.refuse(name, "PROPERTY_DOESNT_EXIST", fmt.Sprintf("Property %q does not exist", name))
		case property.ReadOnly:
			c.refuse(name, "READ_ONLY_VALUE", fmt.Sprintf("%q is a read only property; its value cannot be set.", name))
		case value == "" && name != "email":
			if property.Required && version == version202609 {
				c.missing(name)
			}
		default:
			c.checkValue(version, property, value)
		}
	}
	if creating && version == version202609 {
		for _, property := range s.properties {
			if _, given := sent[property.Name]; property.Required && !given {
				c.missing(property.Name)
			}
		}
	}
	slices.SortFunc(c.errors, func(a, b valueError) int { return strings.Compare(a.Property, b.Property) })
	return c
}

func (c *checked) refuse(property, code, message string) {
	c.errors = append(c.errors, valueError{property, code, message})
}

func (c *checked) missing(property string) {
	c.refuse(property, "MISSING_REQUIRED_PROPERTY", fmt.Sprintf("Property %q is required", property))
}

func (c *checked) checkValue(version string, p Property, value string) {
	switch p.Type {
	case "number":
		if !numeric.MatchString(value) {
			c.refuse(p.Name, "INVALID_INTEGER", fmt.Sprintf("%q was not a valid number.", value))
		}
	case "bool":
		c.checkOptions(p.Name, []string{"true", "false"}, value)
	case "enumeration":
		choices := []string{value}
		if p.FieldType == "checkbox" {
			choices = strings.Split(strings.TrimPrefix(value, ";"), ";")
		}
		c.checkOptions(p.Name, p.Options, choices...)
	case "date":
		c.checkDate(version, p.Name, value)
	case "datetime":
		if _, ok := parseTime(value); !ok {
			c.refuse(p.Name, "INVALID_DATE", fmt.Sprintf("%q was not a valid date.", value))
		}
	default:
		if p.Name == "email" && !validEmail(value) {
			c.refuse(p.Name, "INVALID_EMAIL", fmt.Sprintf("Email address %s is invalid", value))
		}
		if utf8.RuneCountInString(value) > maxText {
			c.refuse(p.Name, "VALUE_TOO_LONG", fmt.Sprintf("Value of %q is longer than %d characters.", p.Name, maxText))
		}
	}
}

func (c *checked) checkOptions(name string, allowed []string, values ...string) {
	for _, value := range values {
		if !slices.Contains(allowed, value) {
			c.refuse(name, "INVALID_OPTION", fmt.Sprintf("%q was not one of the allowed options: %v", value, allowed))
			return
		}
	}
}

// checkDate takes a day, or a time at midnight UTC. Version 2026-09 makes a day
// of any time and warns.
func (c *checked) checkDate(version, name, value string) {
	t, ok := parseTime(value)
	midnight := ok && t.Equal(t.Truncate(24*time.Hour))
	if !ok || !midnight && version != version202609 {
		c.refuse(name, "INVALID_DATE", fmt.Sprintf("%q was not a valid date: a day as YYYY-MM-DD or midnight UTC is needed.", value))
		return
	}
	day := t.Format(time.DateOnly)
	if day == value {
		return
	}
	c.values = maps.Clone(c.values)
	c.values[name] = day
	if version == version202609 {
		c.warnings = append(c.warnings, warning{
			Category: "PROPERTY_VALUE_NORMALIZED",
			Context:  map[string]string{"propertyName": name, "value": value, "normalizedValue": day},
			Message:  fmt.Sprintf("The value of %q was normalized to %s.", name, day),
		})
	}
}

// parseTime reads a day, an ISO 8601 time or milliseconds since 1970, in UTC.
func parseTime(value string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, value); err == nil {
			return t.UTC(), true
		}
	}
	if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), true
	}
	return time.Time{}, false
}
