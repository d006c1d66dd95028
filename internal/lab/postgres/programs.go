package postgres

import (
	"cmp"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// oldest is the first major version of PostgreSQL that contactsync supports.
const oldest = 14

// places are where packages put the server programs, which many keep out of
// the PATH so that several versions fit on one machine.
func places() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
		"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew, Apple silicon
		"/usr/local/opt/postgresql@*/bin",                    // Homebrew, Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew, Linux
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	}
}

var versionOutput = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// ErrNoPrograms says that a local server cannot be had, because the machine has no
// programs for it.
var ErrNoPrograms = errors.New("found no initdb and postgres of version 14 or later in PATH or the usual places")

// findPrograms returns the folder that holds initdb and postgres: the PATH's
// if it has them, else the newest version of the usual places.
func findPrograms(ctx context.Context) (dir string, err error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		if dir := filepath.Dir(path); majorVersion(ctx, dir) >= oldest {
			return dir, nil
		}
	}
	type found struct {
		dir   string
		major int
	}
	var all []found
	for _, place := range places() {
		dirs, _ := filepath.Glob(place) // the patterns are well-formed
		for _, dir := range dirs {
			if major := majorVersion(ctx, dir); major >= oldest {
				all = append(all, found{dir, major})
			}
		}
	}
	if len(all) == 0 {
		return "", ErrNoPrograms
	}
	return slices.MaxFunc(all, func(a, b found) int { return cmp.Compare(a.major, b.major) }).dir, nil
}

// majorVersion asks the programs in dir; 0 means that they are not usable.
func majorVersion(ctx context.Context, dir string) int {
	if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	match := versionOutput.FindSubmatch(out)
	if match == nil {
		return 0
	}
	major, _ := strconv.Atoi(string(match[1])) // digits, by the pattern
	return major
}
