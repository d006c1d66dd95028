package deploy

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// workload is what is looked at in a Kubernetes object; deploy/check reads the
// whole of it, strictly.
type workload struct {
	Kind string `yaml:"kind"`
	Spec struct {
		Template struct {
			Spec struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []struct {
					Args []string `yaml:"args"`
					Env  []struct {
						Name  string `yaml:"name"`
						Value string `yaml:"value"`
					} `yaml:"env"`
				} `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, kind, args string }{
		{"contactsync.yaml", "Deployment", "run"},
		{"migrate.yaml", "Job", "migrate up"},
	} {
		decoder, seen := yaml.NewDecoder(bytes.NewReader(read(t, "kubernetes/"+test.file))), false
		for {
			var w workload
			err := decoder.Decode(&w)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", test.file, err)
			}
			if w.Kind != test.kind {
				continue
			}
			seen = true
			container := w.Spec.Template.Spec.Containers[0]
			if got := strings.Join(container.Args, " "); got != test.args {
				t.Errorf("%s runs %q, want %q", test.file, got, test.args)
			}
			var names []string
			for _, v := range container.Env {
				names = append(names, v.Name)
				if v.Name == "SHUTDOWN_TIMEOUT" {
					wantPatience(t, test.file, time.Duration(w.Spec.Template.Spec.Grace)*time.Second, v.Value)
				}
			}
			wantSettings(t, test.file, names...)
			if test.kind == "Deployment" && !slices.Contains(names, "SHUTDOWN_TIMEOUT") {
				t.Errorf("%s does not set SHUTDOWN_TIMEOUT", test.file)
			}
		}
		if !seen {
			t.Errorf("%s has no %s", test.file, test.kind)
		}
	}
}

func TestCompose(t *testing.T) {
	t.Parallel()
	const file = "docker-compose.yml"
	var compose struct {
		Services map[string]struct {
			Environment map[string]string `yaml:"environment"`
			Grace       string            `yaml:"stop_grace_period"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal(read(t, "../"+file), &compose); err != nil {
		t.Fatal(err)
	}
	service := compose.Services["contactsync"]
	wantSettings(t, file, slices.Collect(maps.Keys(service.Environment))...)
	grace, err := time.ParseDuration(service.Grace)
	if err != nil {
		t.Fatal(err)
	}
	wantPatience(t, file, grace, "25s") // the default
}

// A .env with which programs on the host find a database and a HubSpot must not
// lead the containers there: each setting that says where something is, or opens it,
// has a value of its own, which no variable changes.
func TestComposeIsNotTheHosts(t *testing.T) {
	t.Parallel()
	type file struct {
		Services map[string]struct {
			Environment map[string]string `yaml:"environment"`
			Command     []string          `yaml:"command"`
		} `yaml:"services"`
	}
	var simulated, account file
	for name, into := range map[string]*file{"../docker-compose.yml": &simulated, "docker-compose.hubspot.yml": &account} {
		if err := yaml.Unmarshal(read(t, name), into); err != nil {
			t.Fatal(err)
		}
	}
	for _, service := range []string{"contactsync", "migrate"} {
		environment := simulated.Services[service].Environment
		for _, name := range []string{
			"DATABASE_URL", "DATABASE_DIRECT_URL", "HTTP_ADDR", "PORT",
			"HUBSPOT_API_BASE_URL", "HUBSPOT_ALLOW_HTTP", "HUBSPOT_API_KEY", "HUBSPOT_API_KEY_FILE", "HUBSPOT_PORTAL_ID",
		} {
			if value, set := environment[name]; !set || strings.Contains(value, "$") {
				t.Errorf("%s of %s is %q (set: %t), which .env can change", name, service, value, set)
			}
		}
	}
	if key := simulated.Services["contactsync"].Environment["HUBSPOT_API_KEY"]; !slices.Contains(simulated.Services["hubspotsim"].Command, key) {
		t.Errorf("the simulator does not take the key %q", key)
	}

	over := account.Services["contactsync"].Environment
	wantSettings(t, "docker-compose.hubspot.yml", slices.Collect(maps.Keys(over))...)
	if got := over["HUBSPOT_API_BASE_URL"]; got != "https://api.hubapi.com" || over["HUBSPOT_ALLOW_HTTP"] != "false" {
		t.Errorf("the real HubSpot is at %q, HUBSPOT_ALLOW_HTTP=%q", got, over["HUBSPOT_ALLOW_HTTP"])
	}
	if !strings.HasPrefix(over["HUBSPOT_API_KEY"], "${HUBSPOT_API_KEY:?") {
		t.Errorf("HUBSPOT_API_KEY is %q, not that of .env", over["HUBSPOT_API_KEY"])
	}
}
