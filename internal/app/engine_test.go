package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The engine knows a destination by its Info alone: no source of it names one, in code,
// messages or comments. SQL is written in HubSpot's names and rendered, so .sql files
// may; and so may these lines, which are such SQL.
func TestTheEngineNamesNoDestination(t *testing.T) {
	t.Parallel()
	rendered := regexp.MustCompile(`^\{"contacts_contactsync_\w+", "\(`) // the indexes: a list, for each has to be compared with what is there
	read := 0
	for _, name := range []string{"queue", "drain", "leader", "wake", "ops", "web", "alert", "metrics", "tracing", "doctor", "schema"} {
		err := filepath.WalkDir(filepath.Join("..", name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			read++
			for i, line := range strings.Split(string(text), "\n") {
				line = strings.TrimSpace(line)
				names := slices.ContainsFunc(destinations(), func(d adapter) bool {
					return strings.Contains(strings.ToLower(line), strings.ToLower(d.info.Name))
				})
				if names && (filepath.Base(path) != "indexes.go" || !rendered.MatchString(line)) {
					t.Errorf("internal/%s:%d names a destination: %s", strings.TrimPrefix(path, "../"), i+1, line)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 50 {
		t.Errorf("%d files read: the test looks in the wrong place", read)
	}
}
