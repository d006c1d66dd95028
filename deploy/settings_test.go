package deploy

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// settings are all that the program reads: .env.example has every one, which a
// test of internal/config makes sure of.
func settings(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^(?:# )?([A-Z][A-Z0-9_]*)=`).FindAllSubmatch(read(t, "../.env.example"), -1) {
		names = append(names, string(match[1]))
	}
	if len(names) < 20 {
		t.Fatalf("only %d settings in .env.example", len(names))
	}
	return names
}

// wantSettings checks that the program reads every one of these variables.
func wantSettings(t *testing.T, file string, names ...string) {
	t.Helper()
	if len(names) == 0 {
		t.Errorf("%s sets nothing", file)
	}
	known := append(settings(t), "GOGC", "GOMEMLIMIT") // Go's own, which no .env reaches
	for _, name := range names {
		if !slices.Contains(known, name) {
			t.Errorf("%s sets %s, which nobody reads", file, name)
		}
	}
}

// wantPatience checks that a platform kills only after an orderly stop may be
// over, with some time to spare.
func wantPatience(t *testing.T, file string, platform time.Duration, shutdownTimeout string) {
	t.Helper()
	stop, err := time.ParseDuration(shutdownTimeout)
	if err != nil {
		t.Fatalf("%s: SHUTDOWN_TIMEOUT: %v", file, err)
	}
	if platform < stop+3*time.Second {
		t.Errorf("%s kills after %v, but a stop may take %v", file, platform, stop)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decode reads YAML in which nothing may be that the target has no place for.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(read(t, path)))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
