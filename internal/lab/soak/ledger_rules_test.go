package soak

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// The ledger must be able to find fault: its rules, on pages made by hand.
func TestLedgerRules(t *testing.T) {
	t.Parallel()
	queued := func(seq int64, version string) change {
		return change{Seq: seq, Tx: "tx" + version, Op: "update", Version: version, Before: "Complete", After: "Queued"}
	}
	shown := func(versions ...string) (all []hubspotsim.Write) {
		for _, v := range versions {
			all = append(all, hubspotsim.Write{Properties: map[string]string{"phone": v, "lastname": "v" + v}})
		}
		return all
	}
	past := []change{queued(1, "a"), queued(2, "b"), queued(3, "c")}
	late := append([]change{queued(0, "late")}, past...)
	tests := []struct {
		name   string
		past   []change
		seen   []hubspotsim.Write
		owed   int64
		newest int64
		wrong  string
	}{
		{"all in order", past, shown("a", "b", "c"), 3, 3, ""},
		{"some skipped, some twice", past, shown("a", "a", "c", "c"), 3, 3, ""},
		{"the last one lost", past, shown("a", "b"), 3, 2, ""},
		{"none came", past, nil, 3, 0, ""},
		{"older after newer", past, shown("a", "c", "b"), 3, 0, "after a newer one"},
		{"older after newer, landed late", late, shown("a", "late", "c", "late", "c"), 3, 3, ""},
		{"older after newer at the end, landed late", late, shown("a", "c", "late"), 3, 0, "after a newer one"},
		{"never committed", past, shown("a", "x"), 3, 0, "never committed"},
		{"a mixture", past, []hubspotsim.Write{{Properties: map[string]string{"phone": "b", "lastname": "va"}}}, 3, 0, "mixes"},
		{
			"an old one saved back",
			[]change{queued(1, "a"), queued(2, "b"), {Seq: 3, Tx: "t", Op: "update", Version: "a", Before: "Queued", After: "Queued"}},
			shown("a", "b", "a"), 3, 3, "",
		},
		{
			"between two statements of a transaction",
			[]change{{Seq: 1, Tx: "t", Op: "update", Version: "a"}, {Seq: 2, Tx: "t", Op: "update", Version: "b", After: "Queued"}},
			shown("a"), 2, 0, "never committed",
		},
		{"taken back by hand", append(past[:2:2], change{Seq: 3, Tx: "t", Op: "update", Version: "b", Before: "Queued", After: "Complete"}), nil, 0, 0, ""},
		{"edited at rest", append(past[:2:2], change{Seq: 3, Tx: "t", Op: "update", Version: "x", Before: "Complete", After: "Complete"}), shown("b"), 2, 2, ""},
		{"edited in flight", append(past[:2:2], change{Seq: 3, Tx: "t", Op: "update", Version: "x", Before: "Processing", After: "Processing"}), shown("b"), 3, 2, ""},
		{"deleted", append(past[:2:2], change{Seq: 3, Tx: "t", Op: "delete", Before: "Queued"}), shown("a"), 0, 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := &account{past: test.past, seen: test.seen, overtaken: map[string]bool{"late": true}}
			if got := a.owed(); got != test.owed {
				t.Errorf("owed from commit %d, want %d", got, test.owed)
			}
			newest, err := a.follow()
			if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("error %v, want %q", err, test.wrong)
			}
			if newest != test.newest {
				t.Errorf("the last write stands for commit %d, want %d", newest, test.newest)
			}
		})
	}
}
