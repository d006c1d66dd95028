package hubspotsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// upsertBody is the body of a batch upsert, or of a batch update.
type upsertBody struct {
	Inputs []upsertInput `json:"inputs"`
}

type upsertInput struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"idProperty"`
	TraceID    string            `json:"objectWriteTraceId"`
	Properties map[string]string `json:"properties"`
}

// upsertInputs decodes the body of a batch upsert.
func upsertInputs(c *call) []Input {
	c.bad = strictJSON(c.body, &c.upsert)
	inputs := make([]Input, len(c.upsert.Inputs))
	for i := range c.upsert.Inputs {
		inputs[i] = Input(c.upsert.Inputs[i])
	}
	return inputs
}

// batchUpsert creates or updates up to 100 contacts. Bad rows are answered one
// by one in a 207 only where every input has its own trace id; otherwise one of
// them refuses the batch, and nothing is written.
func (s *Sim) batchUpsert(c *call) reply {
	if refusal := checkBatch(c); refusal != nil {
		return *refusal
	}
	inputs := c.upsert.Inputs
	s.mu.Lock()
	started, behaviour := s.options.Now(), s.behaviour
	rows := make([]row, len(inputs))
	var failed []*row
	for i := range inputs {
		rows[i] = s.checkRow(c.version, &inputs[i])
		if c.fault.refuses(&inputs[i]) {
			rows[i].problem = &problem{input: &inputs[i], category: c.fault.Category, message: "This contact is refused."}
		}
		if rows[i].problem != nil {
			failed = append(failed, &rows[i])
		}
	}
	if refusal := refuseWhole(failed, traced(inputs), behaviour); refusal != nil {
		s.mu.Unlock()
		return *refusal
	}
	results := make([]any, 0, len(rows))
	for i := range rows {
		if rows[i].problem == nil {
			results = append(results, s.applyRow(c, &rows[i]))
		}
	}
	switch behaviour.ResultOrder {
	case OrderShuffled:
		s.random.Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	case OrderReversed:
		slices.Reverse(results)
	case OrderInput:
	}
	s.mu.Unlock()
	return s.batchAnswer(started, results, rowErrors(failed, behaviour), len(failed))
}

// checkBatch finds what makes HubSpot refuse a batch without a look at its
// rows.
func checkBatch(c *call) *reply {
	if c.bad != nil {
		return new(c.badBody())
	}
	inputs := c.upsert.Inputs
	if len(inputs) > maxBatch {
		return new(tooManyInputs(len(inputs)))
	}
	if refusal := checkNulls(c.body); refusal != nil {
		return refusal
	}
	seen := make(map[string]bool, len(inputs))
	var twice []string
	for i := range inputs {
		in := &inputs[i]
		if refusal := checkInput(in); refusal != nil {
			return refusal
		}
		key := in.IDProperty + "\x00" + fold(in.ID)
		if seen[key] {
			twice = append(twice, fold(in.ID))
		}
		seen[key] = true
	}
	if len(twice) > 0 {
		return new(invalid("Duplicate IDs found in batch input: [%s]. IDs must be unique", strings.Join(twice, ", ")))
	}
	return nil
}

func checkInput(in *upsertInput) *reply {
	switch {
	case in.ID == "":
		return new(invalid("Invalid input JSON: Some required fields were not set: [id]"))
	case in.Properties == nil:
		return new(invalid("Invalid input JSON: Some required fields were not set: [properties]"))
	case in.IDProperty != "email" && in.IDProperty != "hs_object_id" && in.IDProperty != "":
		return new(invalid("Unable to perform update/upsert by non-unique 0-1 property"))
	}
	return nil
}

// checkNulls refuses null as the value of a property, in the body of an upsert
// or of a PATCH. The decoder has refused all else that is not a string, but
// lets null pass for an empty one.
func checkNulls(body []byte) *reply {
	if !bytes.Contains(body, []byte("null")) {
		return nil
	}
	type propertied struct {
		Properties map[string]*string `json:"properties"`
	}
	var all struct {
		propertied

		Inputs []propertied `json:"inputs"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return new(invalid("Invalid input JSON: %v", err))
	}
	for _, one := range append(all.Inputs, all.propertied) {
		for name, value := range one.Properties {
			if value == nil {
				return new(invalid("Invalid input JSON: property %q must be a string, not null", name))
			}
		}
	}
	return nil
}

// badBody is the answer to a body that is not the JSON it should be.
func (c *call) badBody() reply {
	if len(c.body) > maxRequestBody {
		return refuse(http.StatusRequestEntityTooLarge, categoryValidation, c.bad.Error())
	}
	return invalid("Invalid input JSON: %v", c.bad)
}

func tooManyInputs(n int) reply {
	return invalid("The maximum number of inputs supported in a batch request is %d; %d were sent", maxBatch, n)
}

// traced says whether every input has a trace id of its own.
func traced(inputs []upsertInput) bool {
	seen := make(map[string]bool, len(inputs))
	for i := range inputs {
		id := inputs[i].TraceID
		if id == "" || seen[id] {
			return false
		}
		seen[id] = true
	}
	return true
}
