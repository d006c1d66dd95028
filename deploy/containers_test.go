package deploy

import (
	"bytes"
	"errors"
	"io"
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
	var names []string
	for name := range service.Environment {
		names = append(names, name)
	}
	wantSettings(t, file, names...)
	grace, err := time.ParseDuration(service.Grace)
	if err != nil {
		t.Fatal(err)
	}
	wantPatience(t, file, grace, "25s") // the default
}
