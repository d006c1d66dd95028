package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// mountKey puts a key where Kubernetes mounts a secret: behind a link to a folder,
// which is swapped as a whole. It answers the file's path.
func mountKey(t *testing.T, dir string, generation int, key string) string {
	t.Helper()
	folder := fmt.Sprintf("..generation-%d", generation)
	if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, folder, "key"), []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "..next")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	if generation == 0 {
		if err := os.Symlink(filepath.Join("..data", "key"), filepath.Join(dir, "key")); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "key")
}

// TestKeyIsRotatedUnderLoad swaps the key's file again and again while contacts are
// synced, and revokes the old key at that very moment, which is worse than HubSpot
// does: no contact fails, nothing pauses, and no key is ever told. A key that is
// revoked too early pauses the account; the new one ends that at once.
func TestKeyIsRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	const contacts, rotations = 600, 5
	in := progtest.Install(t)
	dir := t.TempDir()
	path := mountKey(t, dir, 0, progtest.GoodKey)
	p := in.Start(in.Env("HUBSPOT_API_KEY=", "HUBSPOT_API_KEY_FILE="+path, "LOG_LEVEL=debug", "HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run")
	p.Wait("leading", 1)
	in.Queue(contacts)
	for i := range rotations {
		in.Await("true", fmt.Sprintf(`SELECT (count(*) >= %d)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`, (i+1)*contacts/(rotations+2)))
		key := fmt.Sprintf("pat-eu1-rotated-%d", i+1)
		mountKey(t, dir, i+1, key)
		in.Sim.SetToken(key)
	}
	in.Await(fmt.Sprintf("%d Complete/Complete", contacts), progtest.Counts)
	in.WantEachOnce(contacts)
	if n := in.Ask(`SELECT count(*)::text FROM contactsync.failures`); n != "0" {
		t.Errorf("%s attempts failed", n)
	}
	if n := len(p.Saw("HubSpot sync paused")); n != 0 {
		t.Errorf("paused %d times", n)
	}
	refused := 0
	for _, r := range in.Sim.Received() {
		if r.Status == 401 {
			refused++
		}
	}
	t.Logf("%d contacts, %d rotations, %d requests refused and repeated", contacts, rotations, refused)

	in.Sim.SetToken("pat-eu1-too-early")
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = 'c1@example.org'`)
	p.Wait("HubSpot sync paused", 1)
	in.Await("UNAUTHORIZED", `SELECT hubspot_error_code FROM contacts WHERE email = 'c1@example.org'`)
	mountKey(t, dir, rotations+1, "pat-eu1-too-early")
	p.Wait("HubSpot sync goes on", 1)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'c1@example.org'`)
	if n := len(p.Saw("HubSpot sync paused")); n != 1 {
		t.Errorf("paused %d times, want once", n)
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if log := strings.Join(p.Log(), "\n"); strings.Contains(log, "pat-eu1") {
		t.Error("a key is in the log")
	}
}
