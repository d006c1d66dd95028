package config

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sethvargo/go-envconfig"
)

// section is a part of the settings that has rules beyond those of its tags, or
// that completes itself. Its fields have been decoded; one that could not be is
// zero and has its problem already.
type section interface {
	check(*report)
}

// decode fills the struct that settings points to and returns what is wrong.
// go-envconfig stops at the first bad value, so each field is given to it as a
// struct of its own.
func decode(ctx context.Context, env envconfig.Lookuper, settings any) []Problem {
	rep := &report{env: env}
	rep.decode(ctx, reflect.ValueOf(settings).Elem(), "")
	return rep.problems
}

func (rep *report) decode(ctx context.Context, part reflect.Value, prefix string) {
	for f := range fields(part, prefix) {
		if f.name == "" {
			rep.decode(ctx, f.value, f.prefix)
			continue
		}
		if problem := f.decode(ctx, rep.env); problem != "" {
			rep.add(f.name, f.isSecret(), "%s", problem)
			f.value.SetZero()
		}
	}
	if s, ok := reflect.TypeAssert[section](part.Addr()); ok {
		s.check(rep)
	}
}

// field is one field of a struct of settings: a variable, or, without a name,
// a struct of more.
type field struct {
	reflect.StructField
	value    reflect.Value
	name     string // of the variable, with its prefix
	prefix   string // of the name, or of those in a struct of more
	fallback string // the default; empty when there is none
}

// fields lists the fields of a struct in order, without descending. The prefix goes
// before the names of its variables.
func fields(part reflect.Value, prefix string) iter.Seq[field] {
	return func(yield func(field) bool) {
		for i := range part.NumField() {
			f := field{StructField: part.Type().Field(i), value: part.Field(i), prefix: prefix}
			name, option, _ := strings.Cut(f.Tag.Get("env"), ",")
			if name != "" {
				f.name = prefix + name
			} else {
				f.prefix += f.Tag.Get("prefix")
			}
			if text, ok := strings.CutPrefix(option, "default="); ok {
				f.fallback = text
			}
			if !yield(f) {
				return
			}
		}
	}
}

func (f field) isSecret() bool { return f.Type == reflect.TypeFor[Secret]() }

// decode sets the field from the environment. It returns what is wrong with the
// value, in words for people.
func (f field) decode(ctx context.Context, env envconfig.Lookuper) (problem string) {
	one := reflect.New(reflect.StructOf([]reflect.StructField{{Name: f.Name, Type: f.Type, Tag: f.Tag}}))
	err := envconfig.ProcessWith(ctx, &envconfig.Config{
		Target:   one.Interface(),
		Lookuper: envconfig.PrefixLookuper(f.prefix, env), // the tag has the name without it
		Mutators: []envconfig.Mutator{envconfig.MutatorFunc(asMinutes)},
	})
	switch {
	case errors.Is(err, envconfig.ErrMissingRequired):
		return "is not set" + f.forExample()
	case err != nil:
		return "expected " + f.expected() + f.forExample()
	}
	f.value.Set(one.Elem().Field(0))
	if text, set := env.Lookup(f.name); set && !f.take(text) {
		return "expected " + f.expected() + f.forExample()
	}
	return ""
}

// take reports whether the value that was read from text is one that the tags
// allow. It writes a word of a list as the list does: LOG_FORMAT=JSON is as
// good as json.
func (f field) take(text string) bool {
	if options := f.options(); len(options) > 0 {
		i := slices.IndexFunc(options, func(o string) bool { return strings.EqualFold(o, text) })
		if i >= 0 && f.value.Kind() == reflect.String {
			f.value.SetString(options[i])
		}
		return i >= 0
	}
	if f.value.CanInt() && !f.isDuration() && strconv.FormatInt(f.value.Int(), 10) != text {
		return false // 010 would be eight and 0x10 sixteen
	}
	return f.inRange()
}

// tidy hides variables that are blank, as compose files and copies of examples
// make them, and takes the blanks off the others.
func tidy(env envconfig.Lookuper) envconfig.Lookuper {
	return envconfig.LookuperFunc(func(name string) (string, bool) {
		text, _ := env.Lookup(name)
		text = strings.TrimSpace(text)
		return text, text != ""
	})
}
