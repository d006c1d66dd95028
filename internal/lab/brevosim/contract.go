package brevosim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// openAPI is the part of Brevo's own OpenAPI file that this package speaks, without its
// prose.
//
//go:embed openapi.json
var openAPI []byte

// Violations returns what of the requests so far, and of the answers to them, is not as
// Brevo's OpenAPI file has it. Answers to faults, and those that any call may get (a wrong
// key, a limit), are not described there.
func (s *Sim) Violations() (list []string) {
	var d document
	if err := json.Unmarshal(openAPI, &d); err != nil {
		return []string{err.Error()}
	}
	for _, r := range s.Received() {
		for _, v := range d.violations(r) {
			list = append(list, r.Method+" "+r.Path+": "+v)
		}
	}
	return list
}

type object = map[string]any

type document struct {
	Paths      map[string]map[string]any `json:"paths"`
	Components object                    `json:"components"`
}

func (d *document) violations(r Request) []string {
	operation, ok := d.operation(r)
	if !ok {
		return []string{"no such call"}
	}
	var list []string
	if r.Body != "" {
		list = append(list, d.body("request", operation["requestBody"], r.Body, true)...)
	}
	known := map[string]bool{"limit": true, "identifierType": true}
	for pair := range strings.SplitSeq(r.Query, "&") {
		if name, _, _ := strings.Cut(pair, "="); name != "" && !known[name] {
			list = append(list, "query parameter "+name)
		}
	}
	responses, _ := operation["responses"].(object)
	response, described := responses[fmt.Sprint(r.Status)]
	switch {
	case r.Status == 0, r.Status >= 300 && !described:
	case !described:
		list = append(list, fmt.Sprintf("no response %d", r.Status))
	case r.Answer != "":
		list = append(list, d.body(fmt.Sprint(r.Status), response, r.Answer, false)...)
	}
	return list
}

// operation finds the call of a request; of several paths that fit the one with the
// fewest parameters.
func (d *document) operation(r Request) (object, bool) {
	parts := strings.Split(r.Path, "/")
	best := ""
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		named := strings.Split(path, "/")
		fits := len(named) == len(parts)
		for i := 0; fits && i < len(parts); i++ {
			fits = named[i] == parts[i] || strings.HasPrefix(named[i], "{")
		}
		if fits && (best == "" || strings.Count(path, "{") < strings.Count(best, "{")) {
			best = path
		}
	}
	operation, ok := d.Paths[best][strings.ToLower(r.Method)].(object)
	return operation, ok
}

// body checks a body against what is described; where no schema is, there is no rule.
func (d *document) body(where string, described any, text string, strict bool) []string {
	content, _ := d.resolve(described)["content"].(object)
	media, _ := content["application/json"].(object)
	if media == nil {
		return nil
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return []string{where + ": " + err.Error()}
	}
	return d.check(where, d.resolve(media["schema"]), value, strict)
}

// resolve follows a reference.
func (d *document) resolve(schema any) object {
	o, _ := schema.(object)
	ref, _ := o["$ref"].(string)
	if ref == "" {
		return o
	}
	var at any = object{"components": d.Components}
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		level, _ := at.(object)
		at = level[name]
	}
	return d.resolve(at)
}

// check compares a value with a schema. With strict no member may be there that the
// schema does not have.
func (d *document) check(where string, schema object, value any, strict bool) (list []string) {
	all, _ := schema["allOf"].([]any)
	for _, one := range all {
		list = append(list, d.check(where, d.resolve(one), value, false)...)
	}
	if some, ok := schema["oneOf"].([]any); ok {
		if !slices.ContainsFunc(some, func(one any) bool { return len(d.check(where, d.resolve(one), value, strict)) == 0 }) {
			list = append(list, where+" is none of what it may be")
		}
	}
	if value == nil {
		if schema["nullable"] != true {
			list = append(list, where+" is null")
		}
		return list
	}
	if options, ok := schema["enum"].([]any); ok && !slices.Contains(options, value) {
		list = append(list, fmt.Sprintf("%s is %v", where, value))
	}
	fits := true
	switch schema["type"] {
	case "string":
		_, fits = value.(string)
	case "boolean":
		_, fits = value.(bool)
	case "number":
		_, fits = value.(float64)
	case "integer":
		n, ok := value.(float64)
		fits = ok && n == math.Trunc(n)
	case "array":
		items, ok := value.([]any)
		fits = ok
		for i, item := range items {
			list = append(list, d.check(fmt.Sprintf("%s[%d]", where, i), d.resolve(schema["items"]), item, strict)...)
		}
	}
	if !fits {
		return append(list, fmt.Sprintf("%s is no %v", where, schema["type"]))
	}
	members, isObject := value.(object)
	if schema["type"] == "object" && !isObject {
		return append(list, where+" is no object")
	}
	if !isObject {
		return list
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := members[name.(string)]; !ok {
			list = append(list, fmt.Sprintf("%s lacks %v", where, name))
		}
	}
	properties, _ := schema["properties"].(object)
	rest, _ := schema["additionalProperties"].(object)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		switch described, ok := properties[name]; {
		case ok:
			list = append(list, d.check(where+"."+name, d.resolve(described), members[name], strict)...)
		case rest != nil:
			list = append(list, d.check(where+"."+name, d.resolve(rest), members[name], strict)...)
		case strict && schema["additionalProperties"] != true:
			list = append(list, where+"."+name+" is not a member")
		}
	}
	return list
}
