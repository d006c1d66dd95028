package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/scrapersky/contactsync/internal/config"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := file(" pat-eu1-hunter2\n")
	cfg, err := load(t, map[string]string{"HUBSPOT_API_KEY_FILE": path})
	if err != nil || cfg.HubSpot.APIKey.Reveal() != "pat-eu1-hunter2" || cfg.HubSpot.APIKeyFile != path {
		t.Errorf("got %+v, %v", cfg.HubSpot, err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe") // that nobody writes to
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for message, variables := range map[string]map[string]string{
		"set one of the two":        {"HUBSPOT_API_KEY_FILE": path, "HUBSPOT_API_KEY": "pat-eu1-hunter2"},
		"no such file or directory": {"HUBSPOT_API_KEY_FILE": path + "-gone"},
		"is a directory":            {"HUBSPOT_API_KEY_FILE": filepath.Dir(path)},
		"not a regular file":        {"HUBSPOT_API_KEY_FILE": pipe},
		"the file is empty":         {"HUBSPOT_API_KEY_FILE": file(" \n")},
		"does not hold a key":       {"HUBSPOT_API_KEY_FILE": file("HUBSPOT_API_KEY=pat-eu1-hunter2 # mine")},
	} {
		_, err := load(t, variables)
		bad, ok := errors.AsType[*config.Error](err)
		if !ok || len(bad.Problems) != 1 || bad.Problems[0].Var != "HUBSPOT_API_KEY_FILE" || !strings.Contains(err.Error(), message) {
			t.Errorf("got %v, want one problem with %q", err, message)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is printed: %v", err)
		}
	}
}
