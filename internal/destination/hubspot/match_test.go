package hubspot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestResultsInAnyOrder(t *testing.T) {
	t.Parallel()
	orders := []hubspotsim.ResultOrder{hubspotsim.OrderShuffled, hubspotsim.OrderInput, hubspotsim.OrderReversed}
	for _, order := range orders {
		for _, noEcho := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, no echo %v", order, noEcho), func(t *testing.T) {
				t.Parallel()
				sim := simOptions()
				sim.Behaviour.ResultOrder, sim.Behaviour.NoTraceEcho = order, noEcho
				p := overTheWire(t, sim, nil)
				batch := people(100)
				p.Put(batch[10].Key(), nil)
				report := p.Upsert(t.Context(), batch)
				check(t, report, "100 synced")
				for i, c := range batch {
					stored, _ := p.Contact(c.Key())
					if o := report.Outcomes[i]; o.RemoteID != stored.ID || o.Created != (i != 10) {
						t.Errorf("contact %d: %+v, stored as %s", i, o, stored.ID)
					}
				}
				if report.Requests != 1 {
					t.Errorf("%d requests, want 1", report.Requests)
				}
			})
		}
	}
}

// TestMatch is the table of how an answer is sorted. Its inputs are a, b and c
// with traces ta, tb and tc.
func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"by trace, whatever the email", `{"results":[{"id":"1","objectWriteTraceId":"ta","properties":{"email":"b"}}]}`, "a=1"},
		{"by email, folded", `{"results":[{"id":"1","properties":{"email":" B "}}]}`, "b=1"},
		{"by email where the trace is not ours", `{"results":[{"id":"1","objectWriteTraceId":"x","properties":{"email":"c"}}]}`, "c=1"},
		{"never by place", `{"results":[{"id":"1"},{"id":"2"},{"id":"3"}]}`, "3 stray"},
		{"another request's", `{"results":[{"id":"1","objectWriteTraceId":"x","properties":{"email":"z"}}]}`, ""},
		{"the first of two", `{"results":[{"id":"1","properties":{"email":"a"}},{"id":"2","properties":{"email":"a"}}]}`, "a=1, 1 stray"},
		{"numbers as ids", `{"results":[{"id":12,"objectWriteTraceId":"ta"}]}`, "a=12"},
		{"an id that is none", `{"results":[{"id":"1\u0000","objectWriteTraceId":"ta"}]}`, ""},
		{"junk among results", `{"results":[null,7,"x",[],{"id":{}},{"id":"1","objectWriteTraceId":"tc","properties":[]}]}`, "c=1"},
		{"several traces", `{"errors":[{"message":"m","context":{"objectWriteTraceId":["ta","tc"]}}]}`, "a:m, c:m"},
		{"a plural", `{"errors":[{"message":"m","context":{"objectWriteTraceIds":["ta"]}}]}`, "a:m"},
		{"a single text", `{"errors":[{"message":"m","context":{"objectWriteTraceId":"tb"}}]}`, "b:m"},
		{"ids alone", `{"errors":[{"message":"m","context":{"ids":["A","c "]}}]}`, "a:m, c:m"},
		{"traces that are not ours, but ids", `{"errors":[{"message":"m","context":{"objectWriteTraceId":["x"],"ids":["b"]}}]}`, "b:m"},
		{"names nobody of us", `{"errors":[{"message":"m","context":{"objectWriteTraceId":["x"]}}]}`, ""},
		{"names nobody", `{"errors":[{"message":"m"}]}`, "1 loose"},
		{"the only one left", `{"results":[{"id":"1","objectWriteTraceId":"ta"}],"errors":[{"message":"m","context":{"ids":["b"]}},{"message":"n","context":{}}]}`, "a=1, b:m, c:n, 1 loose"},
		{"written is written", `{"results":[{"id":"1","objectWriteTraceId":"ta"}],"errors":[{"message":"m","context":{"objectWriteTraceId":["ta"]}}]}`, "a=1"},
		{"junk among errors", `{"errors":[null,7,{"message":["x"],"context":"x","errors":{}},{"message":"m","context":{"ids":"a","other":{"x":1}}}]}`, "a:m, 2 loose"},
		{"nothing is as it should be", `{"results":{},"errors":"x"}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			items := []*item{{key: "a"}, {key: "b"}, {key: "c"}}
			traces := map[string]*item{"ta": items[0], "tb": items[1], "tc": items[2]}
			var answer api.BatchAnswer
			if err := json.Unmarshal([]byte(test.body), &answer); err != nil {
				t.Fatal(err)
			}
			m := match(items, traces, &answer)
			var got []string
			for _, it := range items {
				if r := m.results[it]; r != nil {
					got = append(got, it.key+"="+r.RemoteID())
				}
				if p := m.problems[it]; p != nil {
					got = append(got, it.key+":"+string(p.Message))
				}
			}
			if len(m.loose) > 0 {
				got = append(got, fmt.Sprintf("%d loose", len(m.loose)))
			}
			if len(m.stray) > 0 {
				got = append(got, fmt.Sprintf("%d stray", len(m.stray)))
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if n := len(m.results) + len(m.problems) + len(m.unknown); n != len(items) {
				t.Errorf("%d inputs are accounted for, want each once", n)
			}
		})
	}
}
