package deploy

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A tag can be moved to another image, a digest cannot: whatever is fetched to build,
// to check and to run what is here is named by one.
func TestPinned(t *testing.T) {
	t.Parallel()
	workflows, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(workflows) == 0 {
		t.Fatal(workflows, err)
	}
	for _, kind := range []struct {
		files  []string
		names  *regexp.Regexp // what is fetched
		pinned *regexp.Regexp
		ours   []string
	}{
		{[]string{"../Dockerfile"}, regexp.MustCompile(`(?m)^FROM (\S+)`), regexp.MustCompile(`@sha256:[0-9a-f]{64}$`), nil},
		{
			[]string{"../docker-compose.yml", "docker-compose.hubspot.yml", "kubernetes/contactsync.yaml", "kubernetes/migrate.yaml"},
			regexp.MustCompile(`(?m)^\s*image: (\S+)`), regexp.MustCompile(`@sha256:[0-9a-f]{64}$`),
			[]string{"contactsync", "contactsync:latest", "hubspotsim"},
		},
		{workflows, regexp.MustCompile(`(?m)uses: (\S+)`), regexp.MustCompile(`@[0-9a-f]{40}$`), nil},
	} {
		found := 0
		for _, file := range kind.files {
			for _, m := range kind.names.FindAllStringSubmatch(string(read(t, file)), -1) {
				if slices.Contains(kind.ours, m[1]) {
					continue
				}
				if found++; !kind.pinned.MatchString(m[1]) {
					t.Errorf("%s takes %s, whatever that is by then: pin it by its digest", strings.TrimPrefix(file, "../"), m[1])
				}
			}
		}
		if found == 0 {
			t.Errorf("nothing is fetched by %v", kind.files)
		}
	}
}
