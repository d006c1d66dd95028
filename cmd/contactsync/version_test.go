package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	stdout, _, code := inProcess(t, nil, "version")
	if code != 0 || !strings.HasPrefix(stdout, "contactsync ") || !strings.Contains(stdout, runtime.Version()) {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}

func TestVersionText(t *testing.T) {
	t.Parallel()
	where := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	built := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.0.1-0.20261123"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abc123"},
			{Key: "vcs.time", Value: "2026-11-23T20:00:00Z"},
			{Key: "vcs.modified", Value: "true"},
		},
	}
	tests := []struct {
		stamped string
		info    *debug.BuildInfo
		want    string
	}{
		{"v1.2.3", built, "v1.2.3 (commit abc123, modified, 2026-11-23T20:00:00Z, " + where},
		{"", built, "v1.0.1-0.20261123 (commit abc123, modified, 2026-11-23T20:00:00Z, " + where},
		{"v1.2.3", nil, "v1.2.3 (" + where},
		{"", nil, "(devel) (" + where},
	}
	for _, tt := range tests {
		if got := versionText(tt.stamped, tt.info); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
