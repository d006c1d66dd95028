package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// A trigger of the app's refuses every write of one row. The log says so once, with the
// trigger's name; status, its JSON and doctor say so from another process for as long as
// it lasts; and other rows are synced. Without the trigger the row is.
func TestRefusedRowIsTold(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.email = 'refused@example.org' THEN PERFORM current_setting('app.user_id'); END IF; RETURN NULL; END $$`)
	in.Exec(`CREATE TRIGGER audit AFTER UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION audit()`)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('refused@example.org', 'Queued'), ('good@example.org', 'Queued')`)
	p := in.Start(in.Env(), "run")
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'good@example.org'`)
	in.Await("1", `SELECT count(*)::text FROM contactsync.claims WHERE refusal IS NOT NULL`)
	const words = `unrecognized configuration parameter "app.user_id" (SQLSTATE 42704)`
	var v struct {
		Sentence, Level string
		Refusals        []struct {
			Stage, SQLState, Source, Message string
			Contacts                         int
		}
	}
	if err := json.Unmarshal([]byte(in.Must("status", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	if v.Level != "trouble" || !strings.Contains(v.Sentence, "1 contact cannot be claimed: ERROR: "+words+" (trigger audit on contacts)") {
		t.Errorf("%s: %s", v.Level, v.Sentence)
	}
	if len(v.Refusals) != 1 || v.Refusals[0].SQLState != "42704" || v.Refusals[0].Source != "trigger audit on contacts" || v.Refusals[0].Contacts != 1 {
		t.Errorf("refusals are %+v", v.Refusals)
	}
	if out := in.Must("status"); !strings.Contains(out, words) {
		t.Errorf("status says\n%s", out)
	}
	out, _, code := in.Command(in.Env(), "doctor")
	if n := strings.Count(out, words); code != 1 || n != 2 {
		t.Errorf("exit code %d, doctor says it %d times, want once for the try and once for the queue:\n%s", code, n, out)
	}

	in.Exec(`DROP TRIGGER audit ON contacts`)
	in.Exec(`UPDATE contactsync.claims SET until = now() WHERE refusal IS NOT NULL`) // a minute later
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('later@example.org', 'Queued')`)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'refused@example.org'`)
	in.AwaitAsleep()
	if out := in.Must("status"); !strings.HasPrefix(out, "Healthy: ") || strings.Contains(out, "refused") {
		t.Errorf("afterwards status says\n%s", out)
	}
	p.Stop()
	told := 0
	for _, line := range p.Log() {
		if strings.Contains(line, "database refuses to let contacts be claimed") {
			told++
			if !strings.Contains(line, "trigger audit on contacts") || !strings.Contains(line, "42704") {
				t.Errorf("the log says %s", line)
			}
		}
	}
	if told != 1 {
		t.Errorf("it is in the log %d times, want once:\n%s", told, p.Tail())
	}
}
