package destination_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination"
)

// No lock is another one's, of whatever destination and slot, those for a sync by
// hand included.
func TestLocksAreDistinct(t *testing.T) {
	t.Parallel()
	owner := map[int]string{}
	claim := func(object int, who string) {
		if other, taken := owner[object]; taken {
			t.Errorf("lock %d is that of %s and of %s", object, other, who)
		}
		owner[object] = who
	}
	for ordinal := range 4 {
		info := destination.Info{Ordinal: ordinal}
		claim(info.Doorbell(), fmt.Sprintf("doorbell %d", ordinal))
		for k := range destination.ManualSlot + 100 {
			claim(info.SlotLock(k), fmt.Sprintf("slot %d of %d", k, ordinal))
		}
	}
}

// The numbers stand in SQL too, where no constant reaches.
func TestSQLUsesTheSameLocks(t *testing.T) {
	t.Parallel()
	first := destination.Info{}
	for file, want := range map[string]string{
		"../../triggers/doorbell.sql":        fmt.Sprintf("(%d, %d /* doorbell */)", destination.LockClass, first.Doorbell()),
		"../../triggers/requeue.sql":         fmt.Sprintf("(%d, %d /* doorbell */)", destination.LockClass, first.Doorbell()),
		"../../migrations/objects/state.sql": fmt.Sprintf("%d /* slot 0 */", first.SlotLock(0)),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) {
			t.Errorf("%s does not say %q", file, want)
		}
	}
}
