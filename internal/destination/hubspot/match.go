package hubspot

import (
	"slices"

	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// matched is an answer sorted by inputs.
type matched struct {
	results  map[*item]*api.Result
	problems map[*item]*api.Problem
	unknown  []*item        // in neither
	loose    []*api.Problem // that name no input at all
	stray    []*api.Result  // that name no input, or one that has a result already
}

// match sorts an answer: by trace ids (traces) where HubSpot repeats them, else by
// emails. It never goes by the order, which HubSpot does not keep. Whatever the
// answer holds, each input is in exactly one of results, problems and unknown.
func match(items []*item, traces map[string]*item, answer *api.BatchAnswer) matched {
	m := matched{results: make(map[*item]*api.Result, len(items)), problems: map[*item]*api.Problem{}}
	byKey := make(map[string]*item, len(items))
	for _, it := range items {
		byKey[it.key] = it
	}
	for i := range answer.Results {
		m.addResult(&answer.Results[i], traces, byKey)
	}
	for i := range answer.Errors {
		m.addProblem(&answer.Errors[i], traces, byKey)
	}
	for _, it := range items {
		if m.results[it] == nil && m.problems[it] == nil {
			m.unknown = append(m.unknown, it)
		}
	}
	if len(m.unknown) == 1 && len(m.loose) > 0 {
		m.problems[m.unknown[0]] = m.loose[0]
		m.unknown = nil
	}
	return m
}

func (m *matched) addResult(r *api.Result, traces, byKey map[string]*item) {
	if r.RemoteID() == "" {
		return
	}
	it := traces[string(r.TraceID)]
	if it == nil {
		it = byKey[r.Email()]
	}
	switch {
	case it != nil && m.results[it] == nil:
		m.results[it] = r
	case r.TraceID == "": // one with a trace id that is not ours is another request's
		m.stray = append(m.stray, r)
	}
}

// addProblem assigns a problem to the inputs it names. A row that has a result was
// written, whatever else is said about it.
func (m *matched) addProblem(p *api.Problem, traces, byKey map[string]*item) {
	names, emails := p.Traces(), p.Emails()
	if len(names) == 0 && len(emails) == 0 {
		m.loose = append(m.loose, p)
		return
	}
	var about []*item
	for _, name := range names {
		about = append(about, traces[name])
	}
	if !slices.ContainsFunc(about, func(it *item) bool { return it != nil }) {
		for _, email := range emails {
			about = append(about, byKey[email])
		}
	}
	for _, it := range about {
		if it != nil && m.results[it] == nil && m.problems[it] == nil {
			m.problems[it] = p
		}
	}
}
