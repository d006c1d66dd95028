package faults

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestIndexIsBuiltBesideReplicas builds an index without locking, which waits for
// every transaction that was open when it began, and none may be a follower's for
// longer than a second.
func TestIndexIsBuiltBesideReplicas(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	pair(in)
	follow(in)
	var builds []time.Duration
	for round := range scaled(3, 30) {
		began := time.Now()
		in.Exec(fmt.Sprintf(`CREATE INDEX CONCURRENTLY round%d ON contacts (email)`, round))
		if builds = append(builds, time.Since(began)); builds[round] > busy {
			t.Errorf("CREATE INDEX CONCURRENTLY took %v, want a second", builds[round])
		}
	}
	t.Logf("CREATE INDEX CONCURRENTLY beside a leader and two followers: %s", spread(builds))
	if n := in.Ask(`SELECT count(*)::text FROM pg_index WHERE NOT indisvalid`); n != "0" {
		t.Errorf("%s indexes are not valid", n)
	}
	awaitComplete(in, queue(in, "after"))
}

// TestMigrateBesideReplicas migrates while replicas run and an app writes: when
// there is nothing to do, and when an index must be built again.
func TestMigrateBesideReplicas(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	pair(in)
	follow(in)
	app := write(in, 40)
	owner := in.AsOwner()
	for round, before := range []string{"", "DROP INDEX CONCURRENTLY " + in.Ask(`SELECT min(indexrelid::regclass::text) FROM pg_index
		WHERE indrelid = 'contacts'::regclass AND NOT indisprimary`)} {
		if before != "" {
			in.Exec(before)
		}
		if _, err := in.Sim.WaitWrites(t.Context(), in.Sim.Stats().Writes+20); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		owner.Must("migrate", "up")
		t.Logf("migrate up %d beside three replicas took %v", round+1, time.Since(began).Round(time.Millisecond))
	}
	app.end()
	app.check(t)
}

// TestRollingDeploy replaces the replicas of the version before this one, one
// after the other, as a platform does: migrate, start a new one, wait until it is
// ready, stop an old one. The app writes all the time.
func TestRollingDeploy(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	old, revision := olderProgram(t)
	app := write(in, 40)
	env := in.Env("HUBSPOT_TIMEOUT=1s", "HUBSPOT_RATE_LIMIT_PER_10S=1000")
	var before []*progtest.Process
	for range 3 {
		p := in.StartProgram(old, env, "run")
		before = append(before, p)
	}
	if _, err := in.Sim.WaitWrites(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	in.AsOwner().Must("migrate", "up")
	var after []*progtest.Process
	for _, leaving := range before {
		p := in.Start(env, "run")
		address, _ := p.Wait("serving HTTP", 1)[0]["addr"].(string)
		get(t, "http://"+address+"/readyz")
		after = append(after, p)
		if code := leaving.Stop(); code != 0 {
			t.Errorf("exit code %d of the old one", code)
		}
	}
	took := time.Since(began)
	awaitComplete(in, queue(in, "after"))
	app.end()
	app.check(t)
	led := 0
	for _, p := range after {
		led += len(p.Saw("leading"))
	}
	t.Logf("three replicas of %s replaced in %v; the new ones led %d times", revision, took.Round(time.Millisecond), led)
	if n := in.Ask(`SELECT count(*)::text FROM contacts WHERE retry_count > 0`); n != "0" {
		t.Errorf("%s contacts spent an attempt", n)
	}
}

// olderProgram builds the newest tagged version, else the one before the last
// commit; where there is no history, this version stands in for it.
func olderProgram(t *testing.T) (path, revision string) {
	t.Helper()
	root := output(t, "go", "list", "-m", "-f", "{{.Dir}}")
	git := func(args ...string) (string, bool) {
		out, err := exec.Command("git", append([]string{"-C", root}, args...)...).Output()
		return string(bytes.TrimSpace(out)), err == nil
	}
	revision, ok := git("describe", "--tags", "--abbrev=0", "HEAD^")
	if !ok {
		revision, ok = git("rev-parse", "--short", "HEAD^")
	}
	if !ok {
		t.Log("there is no history here: the old version is this one")
		return progtest.Binary(t), "this version"
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree.tar")
	output(t, "git", "-C", root, "archive", "--output="+tree, revision)
	output(t, "tar", "-xf", tree, "-C", dir)
	path = filepath.Join(dir, "older")
	build := exec.Command("go", "build", "-o", path, "./cmd/contactsync")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", revision, err, out)
	}
	return path, revision
}

// output runs a program that must succeed, and answers what it printed.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(bytes.TrimSpace(out))
}
