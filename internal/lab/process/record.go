package process

import (
	"encoding/json"
	"time"
)

// The lines of a replica's log that others wait for.
const (
	Waiting = "waiting for a slot"
	Leading = "leading"
	Claimed = "Starting HubSpot sync scheduler cycle"
	Settled = "Finished HubSpot sync scheduler cycle"
)

// Record is one line of a replica's log.
type Record map[string]any

// Msg is what the line says; empty for a line that is not a log's.
func (r Record) Msg() string {
	text, _ := r["msg"].(string)
	return text
}

// Time is when it was logged, by the replica's clock; zero where the line does
// not say.
func (r Record) Time() time.Time {
	text, _ := r["time"].(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

func parse(line []byte) Record {
	var r Record
	if json.Unmarshal(line, &r) != nil {
		return nil
	}
	return r
}
