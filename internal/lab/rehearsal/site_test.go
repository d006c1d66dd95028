package rehearsal

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// oldTable is contacts as the old worker had it: enums and types of its own,
// columns for another CRM, and no place for a code.
const oldTable = `
CREATE TYPE contact_crm_sync_status AS ENUM ('New', 'Selected', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
CREATE TYPE contact_crm_processing_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
CREATE TABLE contacts (
	id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	domain_id uuid, page_id uuid,
	email varchar(255) NOT NULL, name varchar(255), phone_number varchar(50),
	contact_curation_status varchar(20) NOT NULL DEFAULT 'New',
	brevo_sync_status contact_crm_sync_status NOT NULL DEFAULT 'New', brevo_contact_id varchar(255),
	hubspot_sync_status contact_crm_sync_status NOT NULL DEFAULT 'New',
	hubspot_processing_status contact_crm_processing_status,
	hubspot_processing_error text, hubspot_contact_id varchar(255),
	hubspot_synced_at timestamptz,
	retry_count int NOT NULL DEFAULT 0, next_retry_at timestamptz, last_retry_at timestamptz, last_failed_crm varchar(50),
	created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON contacts (hubspot_processing_status, next_retry_at);`

// site is an installation on such a table. Nothing of contactsync is in the
// database yet.
type site struct {
	*progtest.Installation
	role string // of the replicas
	dir  string // where its commands run
}

// furnish makes a site in an empty database.
func furnish(t *testing.T, databaseURL string) *site {
	t.Helper()
	needs.Time(t)
	for _, tool := range []needs.Tool{needs.Psql, needs.PgDump, needs.JQ} {
		needs.Program(t, tool) // the runbook's commands call it
	}
	pgtest.Exec(t, databaseURL, oldTable)
	in := progtest.InstallOn(t, databaseURL)
	s := &site{Installation: in, dir: t.TempDir()}
	s.role, in.Worker = pgtest.Role(t, databaseURL)
	return s
}

// install does what the first step of the move does, for tests of something else.
func (s *site) install() {
	s.Helper()
	owner := s.AsOwner()
	owner.Must("migrate", "up")
	owner.Must("migrate", "grant", s.role)
}

// ownServer starts a server of the machine's own programs, because its pg_dump
// must be no older than the server.
func ownServer(t *testing.T) *postgres.Server {
	t.Helper()
	needs.Time(t)
	return pgtest.Own(t, postgres.Options{Kind: postgres.Local})
}

// database makes an empty database on a server and returns its URL.
func database(t *testing.T, server *postgres.Server, name string) string {
	t.Helper()
	pgtest.Exec(t, server.URL, "CREATE DATABASE "+name)
	return at(t, server.URL, name)
}

// at is a URL with another database.
func at(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// sh runs a block of the runbook as a person would, and answers what it printed.
func (s *site) sh(block string, more ...string) string {
	s.Helper()
	block = strings.ReplaceAll(block, "contactsync_worker", s.role) // roles belong to the whole server, which others use
	cmd := exec.CommandContext(s.Context(), "bash", "-euo", "pipefail", "-c", block)
	cmd.Dir = s.dir
	bin := filepath.Dir(progtest.Binary(s.TB))
	cmd.Env = append(slices.DeleteFunc(s.Env(), func(v string) bool { return strings.HasPrefix(v, "PATH=") }),
		append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "OWNER_URL=" + s.URL, "PSQLRC=/dev/null", "PAGER=cat"}, more...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("%v\n%s\n%s", err, block, out)
	}
	return string(out)
}

// awaitWrites waits until HubSpot has got so many contacts.
func (s *site) awaitWrites(n int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), progtest.Patience)
	defer cancel()
	if _, err := s.Sim.WaitWrites(ctx, n); err != nil {
		s.Fatalf("HubSpot has got %d contacts, want %d: %v", s.Sim.Stats().Writes, n, err)
	}
}

// times counts the writes of each contact in HubSpot.
func times(writes []hubspotsim.Write) map[string]int {
	n := map[string]int{}
	for _, w := range writes {
		n[w.Email]++
	}
	return n
}
