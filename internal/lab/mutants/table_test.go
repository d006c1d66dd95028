package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every break still fits the code, and names tests that exist. That a test
// notices it is shown by running the program.
func TestMutationsFit(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	names := map[string]bool{}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(root, m.file))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.apply(string(text)); err != nil {
				t.Error(err)
			}
			tests := source(t, filepath.Join(root, m.pkg))
			for _, test := range m.tests {
				if !strings.Contains(tests, "\nfunc "+test+"(t *testing.T) {") {
					t.Errorf("%s has no test %s", m.pkg, test)
				}
			}
			if len(m.tests) == 0 {
				t.Error("no test is to notice it")
			}
		})
		if names[m.name] {
			t.Errorf("two mutations are called %q", m.name)
		}
		names[m.name] = true
	}
}

// source is the tests of a package.
func source(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func TestApplyWantsOnePlace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		fits bool
	}{
		"once": {"if seen {", true}, "never": {"if known {", false}, "twice": {"if seen { if seen {", false},
	} {
		if _, err := (mutation{old: "seen", new: "true"}).apply(test.text); (err == nil) != test.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (mutation{old: "x", new: "x"}).apply("x"); err == nil {
		t.Error("a mutation that changes nothing is accepted")
	}
}
