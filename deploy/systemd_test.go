package deploy

import (
	"strings"
	"testing"
	"time"
)

func TestSystemd(t *testing.T) {
	t.Parallel()
	const file = "systemd/contactsync.service"
	var names []string
	values := map[string]string{}
	for line := range strings.Lines(string(read(t, file))) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		if name == "Environment" {
			name, value, _ = strings.Cut(value, "=")
			names = append(names, name)
		}
		values[name] = value
	}
	wantSettings(t, file, names...)
	patience, err := time.ParseDuration(values["TimeoutStopSec"])
	if err != nil {
		t.Fatal(err)
	}
	wantPatience(t, file, patience, values["SHUTDOWN_TIMEOUT"])
	if values["ExecStart"] != "/usr/local/bin/contactsync run" || values["RestartPreventExitStatus"] != "2" {
		t.Errorf("starts %q, gives up at exit code %q", values["ExecStart"], values["RestartPreventExitStatus"])
	}
}
