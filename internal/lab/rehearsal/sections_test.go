package rehearsal

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// elsewhere are the sections that have a test of their own.
var elsewhere = []string{"move-off-the-old-worker", "restore", "uninstall"}

// trouble is what a section is about: how it comes about, with a replica at
// work, and what is to be seen when its commands have been run.
type trouble struct {
	before, after func(s *site, replica *progtest.Process)
}

var troubles = map[string]trouble{
	"paused-by-a-person": {
		before: func(s *site, _ *progtest.Process) {
			s.Must("pause", "--reason", "the names are wrong", "--as", "ada")
			s.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('held@example.org', 'Queued')`)
			if said := s.Must("status"); !strings.Contains(said, "Paused by ada") || !strings.Contains(said, "the names are wrong") {
				s.Errorf("status says\n%s", said)
			}
		},
		after: func(s *site, _ *progtest.Process) {
			s.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'held@example.org'`)
		},
	},
	"property-missing": {
		before: func(s *site, replica *progtest.Process) {
			s.Sim.RemoveProperty("scrapersky_domain_id")
			s.Exec(`INSERT INTO contacts (email, domain_id, hubspot_processing_status) VALUES ('waits@example.org', gen_random_uuid(), 'Queued')`)
			replica.Wait("HubSpot sync paused", 1)
		},
		after: func(s *site, replica *progtest.Process) {
			if code := replica.Stop(); code != 0 { // the probe may be half a minute away; a restart probes at once
				s.Errorf("exit code %d", code)
			}
			s.Start(s.Env(), "run")
			s.Await("Complete 0", `SELECT concat_ws(' ', hubspot_processing_status, retry_count) FROM contacts WHERE email = 'waits@example.org'`)
		},
	},
	"refused-by-the-database": {
		before: func(s *site, replica *progtest.Process) {
			s.Exec(`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF current_setting('contactsync.worker', true) = 'on' THEN RAISE EXCEPTION 'who are you?'; END IF; RETURN NEW; END $$`)
			s.Exec(`CREATE TRIGGER audit BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION audit()`)
			s.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('refused@example.org', 'Queued')`)
			replica.Wait("database refuses to let contacts be claimed: they stay Queued and are tried again", 1)
			if said := s.Must("status"); !strings.Contains(said, "who are you?") || !strings.Contains(said, "trigger audit on contacts") {
				s.Errorf("status says\n%s", said)
			}
		},
		after: func(s *site, _ *progtest.Process) {
			s.Exec(`CREATE OR REPLACE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF current_setting('contactsync.worker', true) = 'on' THEN RETURN NEW; END IF; RAISE EXCEPTION 'who are you?'; END $$`)
			s.Must("sync", "refused@example.org")
			s.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'refused@example.org'`)
		},
	},
	"nobody-leads": {
		after: func(s *site, replica *progtest.Process) {
			replica.Wait("leading", 2) // its session was ended; it leads again
			s.Await("1", `SELECT count(*)::text FROM contactsync.slots`)
		},
	},
	"errors-by-code": {
		after: func(s *site, _ *progtest.Process) {
			s.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'late@example.org'`)
		},
	},
	"rollback": {
		before: func(s *site, replica *progtest.Process) {
			if code := replica.Stop(); code != 0 {
				s.Errorf("exit code %d", code)
			}
			s.Start(s.Env("HUBSPOT_API_KEY="), "run").Wait("HUBSPOT_API_KEY not configured - HubSpot sync scheduler DISABLED", 1)
			s.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = 'ada@example.org'`)
		},
		after: func(s *site, _ *progtest.Process) {
			if n := times(s.Sim.Writes())["ada@example.org"]; n != 2 {
				s.Errorf("ada was sent %d times, want once more", n)
			}
		},
	},
}

// TestEverySection runs every command of every section that is not rehearsed at
// length.
func TestEverySection(t *testing.T) {
	t.Parallel()
	sections, _ := runbook(t)
	ran := 0
	for _, section := range sections {
		if len(section.blocks) == 0 || strings.Contains(strings.Join(elsewhere, " "), section.anchor) {
			continue
		}
		ran++
		t.Run(section.anchor, func(t *testing.T) {
			t.Parallel()
			s := furnish(t, pgtest.Empty(t))
			s.install()
			s.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('ada@example.org', 'Ada', 'Queued')`)
			s.Exec(`INSERT INTO contacts (email, hubspot_processing_status, hubspot_error_code, hubspot_processing_error, retry_count)
				VALUES ('late@example.org', 'Error', 'TIMEOUT', 'Max retries exceeded (3). Last error: no answer', 3)`)
			replica := s.Start(s.Env(), "run")
			s.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'ada@example.org'`)
			what := troubles[section.anchor]
			if what.before != nil {
				what.before(s, replica)
			}
			for _, block := range section.blocks {
				s.sh(block)
			}
			if what.after != nil {
				what.after(s, replica)
			}
		})
	}
	if ran < 8 {
		t.Errorf("only %d sections", ran)
	}
}

// columns of contacts, and what stands in those that the app had.
const columns = `SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull, E'\n' ORDER BY attname)
	FROM pg_attribute WHERE attrelid = 'contacts'::regclass AND attnum > 0 AND NOT attisdropped`

func TestUninstall(t *testing.T) {
	t.Parallel()
	s := furnish(t, pgtest.Empty(t))
	before := s.Ask(columns)
	s.install()
	s.Queue(3)
	replica := s.Start(s.Env(), "run")
	s.Await("3 Complete/Complete", progtest.Counts)
	if code := replica.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if s.Ask(columns) == before {
		t.Error("the installation added no column: there is nothing to see here")
	}
	for _, block := range commands(t, "uninstall", 1) {
		s.sh(block)
	}
	s.Exec(`CREATE ROLE ` + s.role) // the end of the test drops it
	if got := s.Ask(columns); got != before {
		t.Errorf("contacts has\n%s\nand had before\n%s", got, before)
	}
	for what, query := range map[string]string{
		"schema contactsync": `SELECT count(*)::text FROM pg_namespace WHERE nspname = 'contactsync'`,
		"triggers":           `SELECT count(*)::text FROM pg_trigger WHERE tgrelid = 'contacts'::regclass`,
		"indexes of ours":    `SELECT count(*)::text FROM pg_indexes WHERE tablename = 'contacts' AND indexname LIKE '%contactsync%'`,
	} {
		if n := s.Ask(query); n != "0" {
			t.Errorf("%s: %s are left", what, n)
		}
	}
	if got := s.Ask(progtest.Counts); got != "3 Complete/Complete" {
		t.Errorf("contacts are %s", got)
	}
}
