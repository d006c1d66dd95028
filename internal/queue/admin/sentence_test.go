package admin_test

import (
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/queue/admin"
)

func TestSentence(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 6, 15, 12, 0, 0, 0, time.UTC)
	at := func(clock string) *time.Time {
		t, err := time.Parse("2006-01-02 15:04:05", "2030-06-"+clock)
		if err != nil {
			panic(err)
		}
		return &t
	}
	old, deaf := 200.0, false
	led := []admin.Leader{{Instance: "one"}}
	paused := func(code string, until *time.Time) []admin.Leader {
		return []admin.Leader{{Instance: "one", PauseCode: code, PauseReason: "in HubSpot's words", PauseSince: at("15 10:03:00"), PauseUntil: until}}
	}
	tests := map[string]struct {
		status admin.Status
		level  admin.Level
		want   string
	}{
		"on the way": {admin.Status{Leaders: led, Queue: admin.Queue{InFlight: 3}}, admin.Healthy, "Working: 3 contacts are on the way to HubSpot."},
		"healthy":    {admin.Status{Leaders: led}, admin.Healthy, "Healthy: everything that was queued is in HubSpot."},
		"working":    {admin.Status{Leaders: led, Queue: admin.Queue{Due: 1}}, admin.Healthy, "Working: 1 contact is due."},
		"behind":     {admin.Status{Leaders: led, Queue: admin.Queue{Due: 7, OldestDueSeconds: &old}}, admin.Attention, "Behind: 7 contacts are due, the oldest for 3 min."},
		"retries":    {admin.Status{Leaders: led, Queue: admin.Queue{Waiting: 2, NextRetryAt: at("15 12:04:00")}}, admin.Healthy, "Waiting for retries or a set time, the next at 12:04."},
		"tomorrow":   {admin.Status{Leaders: led, Queue: admin.Queue{Waiting: 2, NextRetryAt: at("16 09:00:00")}}, admin.Healthy, "Waiting for retries or a set time, the next at 16 Jun 09:00."},
		"errors": {
			admin.Status{Leaders: led, Queue: admin.Queue{Error: 2}},
			admin.Attention,
			"The queue is empty; 2 contacts are in Error and need a person: see failures, then `contactsync retry`.",
		},
		"an error": {
			admin.Status{Leaders: led, Queue: admin.Queue{Error: 1}},
			admin.Attention,
			"The queue is empty; 1 contact is in Error and needs a person: see failures, then `contactsync retry`.",
		},
		"errors and retries": {
			admin.Status{Leaders: led, Queue: admin.Queue{Waiting: 31, Error: 1, NextRetryAt: at("15 12:04:00")}},
			admin.Attention,
			"Nothing is due; 31 contacts wait for a retry or a set time, the next at 12:04; 1 contact is in Error and needs a person: see failures, then `contactsync retry`.",
		},
		"errors and a retry tomorrow": {
			admin.Status{Leaders: led, Queue: admin.Queue{Waiting: 1, Error: 2, NextRetryAt: at("16 09:00:00")}},
			admin.Attention,
			"Nothing is due; 1 contact waits for a retry or a set time, the next at 16 Jun 09:00; 2 contacts are in Error and need a person: see failures, then `contactsync retry`.",
		},
		"nobody":           {admin.Status{}, admin.Trouble, "Nobody leads: start `contactsync run` with a HUBSPOT_API_KEY."},
		"nobody and a row": {admin.Status{Queue: admin.Queue{Due: 3}}, admin.Trouble, "Nobody leads: 3 contacts wait, and no process syncs. Start `contactsync run` with a HUBSPOT_API_KEY."},
		"deaf": {
			admin.Status{Leaders: led, Replicas: []admin.Replica{{Role: admin.RoleLeader, Listener: &deaf}}},
			admin.Attention,
			"The queue is empty. No notifications arrive, so it looks every second: see `contactsync doctor`.",
		},
		"deaf, and more": {
			admin.Status{
				Leaders: led, Replicas: []admin.Replica{{Role: admin.RoleLeader, Listener: &deaf}},
				Queue: admin.Queue{Waiting: 2, Error: 1, NextRetryAt: at("15 12:04:00")},
			},
			admin.Attention,
			"Nothing is due; 2 contacts wait for a retry or a set time, the next at 12:04; 1 contact is in Error and needs a person: " +
				"see failures, then `contactsync retry`. No notifications arrive, so it looks every second: see `contactsync doctor`.",
		},
		"key": {
			admin.Status{Leaders: paused("UNAUTHORIZED", at("15 12:00:40"))},
			admin.Trouble,
			"Paused: HubSpot says the key is wrong, since 10:03, next probe in 40 s.",
		},
		"probing": {admin.Status{Leaders: paused("UNAUTHORIZED", at("15 11:59:59"))}, admin.Trouble, "Paused: HubSpot says the key is wrong, since 10:03, probing now."},
		"day": {
			admin.Status{Leaders: paused("DAILY_LIMIT", at("16 00:00:30"))},
			admin.Attention,
			"Paused: HubSpot's requests for today are used up, since 10:03, next probe at 16 Jun 00:00.",
		},
		"other": {admin.Status{Leaders: paused("OTHER", nil)}, admin.Trouble, "Paused: in HubSpot's words, since 10:03."},
		"by hand": {
			admin.Status{Leaders: led, Hold: &contact.Hold{Who: "ada", Since: *at("15 10:03:00"), Reason: "clean-up"}, Queue: admin.Queue{Due: 2, Waiting: 1}},
			admin.Attention,
			"Paused by ada since 10:03: clean-up (3 contacts stay queued; `contactsync resume` goes on).",
		},
		"by hand, and nobody leads": {
			admin.Status{Hold: &contact.Hold{Who: "ada", Since: *at("14 10:03:00")}},
			admin.Attention,
			"Paused by ada since 14 Jun 10:03; and nobody leads.",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.status.At = now
			level, got := test.status.Judge(time.UTC)
			if got != test.want || level != test.level {
				t.Errorf("got  %s: %s\nwant %s: %s", level, got, test.level, test.want)
			}
		})
	}
}
