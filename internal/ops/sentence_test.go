package ops_test

import (
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/rowsecurity"
)

func hidden(everyRow bool) []rowsecurity.Hidden {
	return []rowsecurity.Hidden{{Role: "worker", Table: "app.people", EveryRow: everyRow}}
}

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
	led := []ops.Leader{{Instance: "one"}}
	paused := func(code string, until *time.Time) []ops.Leader {
		return []ops.Leader{{Instance: "one", PauseCode: code, PauseReason: "in HubSpot's words", PauseSince: at("15 10:03:00"), PauseUntil: until}}
	}
	tests := map[string]struct {
		status ops.Snapshot
		level  ops.Level
		want   string
	}{
		"on the way": {ops.Snapshot{Leaders: led, Queue: ops.Queue{InFlight: 3}}, ops.Healthy, "Working: 3 contacts are on the way to HubSpot."},
		"healthy":    {ops.Snapshot{Leaders: led}, ops.Healthy, "Healthy: everything that was queued is in HubSpot."},
		"detached": {
			ops.Snapshot{Leaders: led, Queue: ops.Queue{Due: 7}, DetachedSince: at("15 11:00:00")},
			ops.Attention,
			"Detached since 11:00: contacts that are queued wait for the tick, until `contactsync migrate attach` puts the triggers back. 7 contacts are due.",
		},
		"detached, at rest": {
			ops.Snapshot{Leaders: led, DetachedSince: at("14 11:00:00")},
			ops.Attention,
			"Detached since 14 Jun 11:00: contacts that are queued wait for the tick, until `contactsync migrate attach` puts the triggers back.",
		},
		"working":  {ops.Snapshot{Leaders: led, Queue: ops.Queue{Due: 1}}, ops.Healthy, "Working: 1 contact is due."},
		"behind":   {ops.Snapshot{Leaders: led, Queue: ops.Queue{Due: 7, OldestDueSeconds: &old}}, ops.Attention, "Behind: 7 contacts are due, the oldest for 3 min."},
		"retries":  {ops.Snapshot{Leaders: led, Queue: ops.Queue{Waiting: 2, NextRetryAt: at("15 12:04:00")}}, ops.Healthy, "Waiting for retries or a set time, the next at 12:04."},
		"tomorrow": {ops.Snapshot{Leaders: led, Queue: ops.Queue{Waiting: 2, NextRetryAt: at("16 09:00:00")}}, ops.Healthy, "Waiting for retries or a set time, the next at 16 Jun 09:00."},
		"errors": {
			ops.Snapshot{Leaders: led, Queue: ops.Queue{Error: 2}},
			ops.Attention,
			"The queue is empty; 2 contacts are in Error and need a person: see failures, then `contactsync retry`.",
		},
		"an error": {
			ops.Snapshot{Leaders: led, Queue: ops.Queue{Error: 1}},
			ops.Attention,
			"The queue is empty; 1 contact is in Error and needs a person: see failures, then `contactsync retry`.",
		},
		"errors and retries": {
			ops.Snapshot{Leaders: led, Queue: ops.Queue{Waiting: 31, Error: 1, NextRetryAt: at("15 12:04:00")}},
			ops.Attention,
			"Nothing is due; 31 contacts wait for a retry or a set time, the next at 12:04; 1 contact is in Error and needs a person: see failures, then `contactsync retry`.",
		},
		"errors and a retry tomorrow": {
			ops.Snapshot{Leaders: led, Queue: ops.Queue{Waiting: 1, Error: 2, NextRetryAt: at("16 09:00:00")}},
			ops.Attention,
			"Nothing is due; 1 contact waits for a retry or a set time, the next at 16 Jun 09:00; 2 contacts are in Error and need a person: see failures, then `contactsync retry`.",
		},
		"nobody":           {ops.Snapshot{}, ops.Trouble, "Nobody leads: start `contactsync run` with a HUBSPOT_API_KEY."},
		"nobody and a row": {ops.Snapshot{Queue: ops.Queue{Due: 3}}, ops.Trouble, "Nobody leads: 3 contacts wait, and no process syncs. Start `contactsync run` with a HUBSPOT_API_KEY."},
		"deaf": {
			ops.Snapshot{Leaders: led, Replicas: []ops.Replica{{Role: ops.RoleLeader, Listener: &deaf}}},
			ops.Attention,
			"The queue is empty. No notifications arrive, so it looks every second: see `contactsync doctor`.",
		},
		"deaf, and more": {
			ops.Snapshot{
				Leaders: led, Replicas: []ops.Replica{{Role: ops.RoleLeader, Listener: &deaf}},
				Queue: ops.Queue{Waiting: 2, Error: 1, NextRetryAt: at("15 12:04:00")},
			},
			ops.Attention,
			"Nothing is due; 2 contacts wait for a retry or a set time, the next at 12:04; 1 contact is in Error and needs a person: " +
				"see failures, then `contactsync retry`. No notifications arrive, so it looks every second: see `contactsync doctor`.",
		},
		"key": {
			ops.Snapshot{Leaders: paused("UNAUTHORIZED", at("15 12:00:40"))},
			ops.Trouble,
			"Paused: HubSpot says the key is wrong, since 10:03, next probe in 40 s.",
		},
		"probing": {ops.Snapshot{Leaders: paused("UNAUTHORIZED", at("15 11:59:59"))}, ops.Trouble, "Paused: HubSpot says the key is wrong, since 10:03, probing now."},
		"day": {
			ops.Snapshot{Leaders: paused("DAILY_LIMIT", at("16 00:00:30"))},
			ops.Attention,
			"Paused: HubSpot's requests for today are used up, since 10:03, next probe at 16 Jun 00:00.",
		},
		"other": {ops.Snapshot{Leaders: paused("OTHER", nil)}, ops.Trouble, "Paused: in HubSpot's words, since 10:03."},
		"blind": {
			ops.Snapshot{Leaders: led, Hidden: hidden(true)},
			ops.Trouble,
			"Row security hides every row of app.people from role worker: that role neither sees nor sends what is queued there. `contactsync doctor` has the SQL.",
		},
		"blind, and paused by hand": {
			ops.Snapshot{Leaders: led, Hidden: hidden(true), Hold: &contact.Pause{Who: "ada"}},
			ops.Trouble,
			"Row security hides every row of app.people from role worker: that role neither sees nor sends what is queued there. `contactsync doctor` has the SQL.",
		},
		"blind in part": {
			ops.Snapshot{Leaders: led, Hidden: hidden(false)},
			ops.Attention,
			"As far as can be seen the queue is empty. Row security may hide rows of app.people from role worker: that role neither sees nor sends what is queued there. `contactsync doctor` has the SQL.",
		},
		"blind in part, and at work": {
			ops.Snapshot{Leaders: led, Hidden: hidden(false), Queue: ops.Queue{Due: 1}},
			ops.Attention,
			"Working: 1 contact is due. Row security may hide rows of app.people from role worker: that role neither sees nor sends what is queued there. `contactsync doctor` has the SQL.",
		},
		"by hand": {
			ops.Snapshot{Leaders: led, Hold: &contact.Pause{Who: "ada", Since: *at("15 10:03:00"), Reason: "clean-up"}, Queue: ops.Queue{Due: 2, Waiting: 1}},
			ops.Attention,
			"Paused by ada since 10:03: clean-up (3 contacts stay queued; `contactsync resume` goes on).",
		},
		"by hand, and nobody leads": {
			ops.Snapshot{Hold: &contact.Pause{Who: "ada", Since: *at("14 10:03:00")}},
			ops.Attention,
			"Paused by ada since 14 Jun 10:03; and nobody leads.",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.status.At, test.status.Destination = now, hubspot.Info
			level, got := test.status.Judge(time.UTC)
			if got != test.want || level != test.level {
				t.Errorf("got  %s: %s\nwant %s: %s", level, got, test.level, test.want)
			}
		})
	}
}

// Contacts that are Processing without anybody at work on them are not in HubSpot.
func TestLeftOverSentence(t *testing.T) {
	t.Parallel()
	led := []ops.Leader{{Instance: "one"}}
	for want, q := range map[string]ops.Queue{
		"Left over: 1 contact is Processing, and nobody works on it. A leader that has seen that for 15 minutes puts it back into the queue.":       {Processing: 3, InFlight: 2},
		"Left over: 2 contacts are Processing, and nobody works on them. A leader that has seen that for 15 minutes puts them back into the queue.": {Processing: 3, Quarantined: 1},
		"Working: 2 contacts are on the way to HubSpot.": {Processing: 2, InFlight: 2},
	} {
		if _, text := (ops.Snapshot{Destination: hubspot.Info, Leaders: led, Queue: q}).Judge(time.UTC); text != want {
			t.Errorf("%s\nwant %s", text, want)
		}
	}
}

// What the database refuses is trouble for as long as it lasts, whatever else is well.
func TestRefusedSentence(t *testing.T) {
	t.Parallel()
	audit := ops.Refusal{Stage: "claim", Code: "42704", Source: "trigger audit on contacts", Message: `ERROR: unrecognized configuration parameter "app.user_id" (SQLSTATE 42704)`, Contacts: 3}
	veto := ops.Refusal{Stage: "claim", Code: "veto", Message: "a trigger returned NULL", Contacts: 1}
	nothing := ops.Refusal{Stage: "claim", Code: "42501", Message: "ERROR: permission denied for table audit (SQLSTATE 42501)"}
	for want, refusals := range map[string][]ops.Refusal{
		"Refused by the database: 3 contacts cannot be claimed: ERROR: unrecognized configuration parameter \"app.user_id\" (SQLSTATE 42704) (trigger audit on contacts). See `contactsync doctor`.":                    {audit},
		"Refused by the database: 3 contacts cannot be claimed: ERROR: unrecognized configuration parameter \"app.user_id\" (SQLSTATE 42704) (trigger audit on contacts); and 1 reason more. See `contactsync doctor`.": {audit, veto},
		"Refused by the database: 1 contact is vetoed by a trigger: a trigger returned NULL. See `contactsync doctor`.":                                                                                                 {veto},
		"Refused by the database: nothing can be claimed: ERROR: permission denied for table audit (SQLSTATE 42501). See `contactsync doctor`.":                                                                         {nothing},
	} {
		s := ops.Snapshot{Leaders: []ops.Leader{{Instance: "one"}}, Queue: ops.Queue{Due: 3}, Refusals: refusals}
		if level, text := s.Judge(time.UTC); level != ops.Trouble || text != want {
			t.Errorf("%s: %s\nwant %s", level, text, want)
		}
	}
}
