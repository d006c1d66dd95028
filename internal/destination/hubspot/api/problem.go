package api

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// The codes of faults in the set-up.
const (
	codeNoProperty = "PROPERTY_DOESNT_EXIST"
	codeReadOnly   = "READ_ONLY_VALUE"
)

// parseProblem reads the body of a refusal. What is no JSON is a problem without
// members.
func parseProblem(body []byte) *Problem {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil {
		return new(Problem)
	}
	return &p
}

// details returns the parts of a problem. HubSpot also packs them as JSON into the
// message, and sometimes only there.
func (p *Problem) details() []detail {
	if len(p.Errors) > 0 {
		return p.Errors
	}
	_, packed, ok := strings.Cut(string(p.Message), "Property values were not valid: ")
	if !ok {
		return nil
	}
	var parts List[struct {
		Message Text `json:"message"`
		Error   Text `json:"error"`
		Name    Text `json:"name"`
	}]
	if err := json.Unmarshal([]byte(packed), &parts); err != nil {
		return nil
	}
	details := make([]detail, 0, len(parts))
	for _, part := range parts {
		d := detail{Message: part.Message, Code: part.Error}
		d.Context.V = map[string]texts{"propertyName": {string(part.Name)}}
		details = append(details, d)
	}
	return details
}

// codes returns every name that HubSpot gives the problem, without the paths before
// some of them.
func (p *Problem) codes() []string {
	var codes []string
	add := func(code Text) {
		if code != "" {
			codes = append(codes, string(code[strings.LastIndexByte(string(code), '.')+1:]))
		}
	}
	add(p.Category)
	add(p.SubCategory)
	for _, d := range p.details() {
		add(d.Code)
		add(d.SubCategory)
	}
	return codes
}

// text returns what HubSpot says, for people: the parts where there are any, because
// the message repeats them as JSON.
func (p *Problem) text() string {
	var said []string
	for _, d := range p.details() {
		message := strings.TrimSpace(string(d.Message))
		if scopes := d.Context.first("requiredGranularScopes", "requiredScopes"); scopes != nil {
			message += " (" + strings.Join(scopes, ", ") + ")"
		}
		if message != "" && !slices.Contains(said, message) {
			said = append(said, message)
		}
	}
	if len(said) == 0 {
		return string(p.Message)
	}
	return strings.Join(said, "; ")
}

// badProperties returns the names of the properties that do not exist or cannot be
// written.
func (p *Problem) badProperties() []string {
	var names []string
	for _, d := range p.details() {
		if d.Code != codeNoProperty && d.Code != codeReadOnly {
			continue
		}
		found := d.Context.first("propertyName", "propertyNames", "name")
		if found == nil {
			if m := quoted.FindStringSubmatch(string(d.Message)); m != nil {
				found = m[1:]
			}
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// existingID returns the id of the contact that a conflict is about, empty where
// HubSpot does not name it.
func (p *Problem) existingID() string {
	places := []about{p.Context}
	for _, d := range p.Errors {
		places = append(places, d.Context)
	}
	for _, place := range places {
		for _, id := range place.first("existingId", "existingObjectId") {
			if allDigits.MatchString(id) {
				return id
			}
		}
	}
	messages := []Text{p.Message}
	for _, d := range p.Errors {
		messages = append(messages, d.Message)
	}
	for _, message := range messages {
		// The last one: before it the message may repeat what the row holds.
		if all := existing.FindAllStringSubmatch(string(message), -1); all != nil {
			return all[len(all)-1][1]
		}
	}
	return ""
}

var (
	quoted    = regexp.MustCompile(`["']([A-Za-z0-9_]+)["']`)
	existing  = regexp.MustCompile(`(?i)existing id: *([0-9]{1,32})\b`)
	allDigits = regexp.MustCompile(`^[0-9]{1,32}$`)
)
