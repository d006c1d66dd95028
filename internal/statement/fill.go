package statement

import (
	"maps"
	"regexp"
)

// piece is a place for a part of a statement.
var piece = regexp.MustCompile(`\{\{(\w+)\}\}`)

// Fill puts pieces in their places: {{name}} becomes the piece of that name, and so do
// the places within it. A place without a piece is a programming error and panics.
// It is for what several statements share, and for what is known only at run time.
func Fill(sql string, pieces map[string]string) string {
	return piece.ReplaceAllStringFunc(sql, func(place string) string {
		name := piece.FindStringSubmatch(place)[1]
		text, ok := pieces[name]
		if !ok {
			panic("statement: no piece is named " + name)
		}
		return Fill(text, pieces)
	})
}

// Fill returns the set with all places filled.
func (s Set) Fill(pieces map[string]string) Set {
	filled := make(Set, len(s))
	for name, text := range s {
		filled[name] = Fill(text, pieces)
	}
	return filled
}

// Merge returns the statements of several files. A name that is there twice is a
// programming error and panics.
func Merge(sets ...Set) Set {
	all := Set{}
	for _, s := range sets {
		for name := range s {
			if _, twice := all[name]; twice {
				panic("statement: two files have a section " + name)
			}
		}
		maps.Copy(all, s)
	}
	return all
}
