package app

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
)

func TestAttemptSynced(t *testing.T) {
	t.Parallel()
	synced, failed := &contact.Outcome{Verdict: contact.Synced}, &contact.Outcome{Verdict: contact.Retry}
	settled := func(final contact.Final) []contact.Settled { return []contact.Settled{{Final: final}} }
	for name, tt := range map[string]struct {
		attempt Attempt
		want    bool
	}{
		"synced":            {Attempt{Claimed: true, Outcome: synced, Settled: settled(contact.Final(contact.Synced))}, true},
		"failed":            {Attempt{Claimed: true, Outcome: failed, Settled: settled(contact.Final(contact.Retry))}, false},
		"the claim is lost": {Attempt{Claimed: true, Outcome: synced, Settled: settled(contact.Lost)}, false},
		"no answer":         {Attempt{Claimed: true}, false},
		"not claimed":       {Attempt{}, false},
	} {
		if got := tt.attempt.Synced(); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
