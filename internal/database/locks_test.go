package database

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination"
)

func TestSlotLocks(t *testing.T) {
	t.Parallel()
	for k := range 64 {
		object := SlotLock(k)
		if object == DoorbellLock {
			t.Errorf("slot %d is locked by the doorbell's number", k)
		}
		if got := LockedSlot(object); got != k {
			t.Errorf("LockedSlot(SlotLock(%d)) = %d", k, got)
		}
	}
	if got := LockedSlot(DoorbellLock); got >= 0 {
		t.Errorf("the doorbell is slot %d", got)
	}
}

// The numbers stand in SQL too, where no constant reaches.
func TestSQLUsesTheSameLocks(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"../../triggers/doorbell.sql": "pg_try_advisory_xact_lock_shared(1668507251, 1 /* doorbell */)",
		"../../triggers/requeue.sql":  "pg_try_advisory_xact_lock_shared(1668507251, 1 /* doorbell */)",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(text), want)
		}
		if !found {
			t.Errorf("%s: none of %d files has %q", pattern, len(files), want)
		}
	}
	first := destination.Info{}
	if LockClass != 1668507251 || DoorbellLock != 1 || SlotLock(0) != 100 || first.Doorbell() != 1 || first.SlotLock(0) != 100 {
		t.Errorf("locks are (%d, %d) and (%d, %d...)", LockClass, DoorbellLock, LockClass, SlotLock(0))
	}
}
