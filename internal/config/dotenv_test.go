package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/config"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWithFile(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "A=file\nB='file $x # y'\nexport C=\"file\"\n# D=file\nE=file\n")
	env, err := config.WithFile(envconfig.MapLookuper(map[string]string{"A": "real", "E": ""}), path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"A": "real", "B": "file $x # y", "C": "file", "D": "", "E": ""} {
		if got, _ := env.Lookup(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestWithoutFile(t *testing.T) {
	t.Parallel()
	env, err := config.WithFile(envconfig.MapLookuper(map[string]string{"A": "real"}), filepath.Join(t.TempDir(), ".env"))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := env.Lookup("A"); got != "real" {
		t.Errorf("A is %q", got)
	}
}

func TestBadFileKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no equals sign": "A=1\nB='two\nlines'\n\nthis is nothing\nHUBSPOT_API_KEY=hunter2\n",
		"bad name":       "A=1\nB=2\n# a comment\n\nsome-thing; = hunter2\n",
		"open quote":     "A=1\nB=2\nC=3\nD=4\nHUBSPOT_API_KEY='hunter2\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, text)
			_, err := config.WithFile(envconfig.MapLookuper(nil), path)
			if _, ok := errors.AsType[*config.Error](err); !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			if text := err.Error(); strings.Contains(text, "hunter2") || !strings.Contains(text, path+": line 5 is not NAME=value") {
				t.Error(text)
			}
		})
	}

	_, err := config.WithFile(envconfig.MapLookuper(nil), t.TempDir())
	if _, ok := errors.AsType[*config.Error](err); !ok {
		t.Errorf("a folder: %v, want an *Error", err)
	}
}
