package process

import (
	"context"
	"io"
	"strings"
	"testing"
)

func TestLogKeepsTheFirstOfEachMessage(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("{\"msg\":\"often\"}\nno JSON\n", 3) + "{\"msg\":\"rarely\"}\n{\"msg\":\"often\"}\n"
	for most, want := range map[int]int{0: 4, 2: 2} {
		told := 0
		log := NewLog(most)
		log.Follow(strings.NewReader(text), func(Record) { told++ })
		if n := len(log.Saw("often")); n != want || len(log.Saw("rarely")) != 1 || told != 5 {
			t.Errorf("at most %d: kept %d, want %d; told %d", most, n, want, told)
		}
		if lines, records := log.Lines(), log.Records(); len(lines) != len(records) || lines[1] != "no JSON" || records[1] != nil {
			t.Errorf("at most %d: lines %q, records %v", most, lines, records)
		}
		if log.Last() != `{"msg":"often"}` {
			t.Errorf("at most %d: last %q", most, log.Last())
		}
	}
}

func TestWaitForALine(t *testing.T) {
	t.Parallel()
	log := NewLog(0)
	out, in := io.Pipe()
	go log.Follow(out, nil)
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := log.Wait(late, "tick", 1); err == nil {
		t.Error("waited longer than it might")
	}
	go func() {
		_, _ = io.WriteString(in, "{\"msg\":\"tick\",\"n\":1}\n{\"msg\":\"tick\",\"n\":2}\n")
		_ = in.Close()
	}()
	if found, err := log.Wait(t.Context(), "tick", 2); err != nil || len(found) != 2 || found[1]["n"] != 2.0 {
		t.Errorf("found %v, %v", found, err)
	}
	if found, err := log.Wait(t.Context(), "tick", 3); err == nil {
		t.Errorf("found %v after the end", found)
	}
}
