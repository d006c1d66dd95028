package deploy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// blueprint is what https://render.com/docs/blueprint-spec has, as far as it is
// used here: a field that is not in it is a mistake.
type blueprint struct {
	Services []struct {
		Type                    string     `yaml:"type"`
		Name                    string     `yaml:"name"`
		Runtime                 string     `yaml:"runtime"`
		Plan                    string     `yaml:"plan"`
		NumInstances            int        `yaml:"numInstances"`
		AutoDeployTrigger       string     `yaml:"autoDeployTrigger"`
		BuildCommand            string     `yaml:"buildCommand"`
		PreDeployCommand        string     `yaml:"preDeployCommand"`
		StartCommand            string     `yaml:"startCommand"`
		HealthCheckPath         string     `yaml:"healthCheckPath"`
		MaxShutdownDelaySeconds int        `yaml:"maxShutdownDelaySeconds"`
		EnvVars                 []variable `yaml:"envVars"`
	} `yaml:"services"`
	EnvVarGroups []struct {
		Name    string     `yaml:"name"`
		EnvVars []variable `yaml:"envVars"`
	} `yaml:"envVarGroups"`
	Databases []struct {
		Name                 string `yaml:"name"`
		Plan                 string `yaml:"plan"`
		PostgresMajorVersion string `yaml:"postgresMajorVersion"`
		IPAllowList          []any  `yaml:"ipAllowList"`
	} `yaml:"databases"`
}

type variable struct {
	Key           string `yaml:"key"`
	Value         string `yaml:"value"`
	Sync          *bool  `yaml:"sync"`
	GenerateValue bool   `yaml:"generateValue"`
	FromGroup     string `yaml:"fromGroup"`
	FromDatabase  *struct {
		Name     string `yaml:"name"`
		Property string `yaml:"property"`
	} `yaml:"fromDatabase"`
}

func TestRender(t *testing.T) {
	t.Parallel()
	const file = "render.yaml"
	var b blueprint
	decode(t, "../"+file, &b)
	if len(b.Services) != 1 || len(b.EnvVarGroups) != 1 || len(b.Databases) != 1 {
		t.Fatalf("%d services, %d groups, %d databases; want one each", len(b.Services), len(b.EnvVarGroups), len(b.Databases))
	}
	service, group, database := b.Services[0], b.EnvVarGroups[0], b.Databases[0]

	var names []string
	for _, v := range service.EnvVars {
		switch {
		case v.FromGroup != "":
			if v.FromGroup != group.Name {
				t.Errorf("there is no group %s", v.FromGroup)
			}
			continue
		case v.FromDatabase != nil:
			if v.FromDatabase.Name != database.Name || v.FromDatabase.Property != "connectionString" {
				t.Errorf("%s comes from %+v", v.Key, *v.FromDatabase)
			}
		}
		if secret := strings.Contains(v.Key, "KEY") || strings.Contains(v.Key, "PASSWORD") || strings.Contains(v.Key, "URL"); secret && v.Value != "" {
			t.Errorf("%s stands here in plain text", v.Key)
		}
		names = append(names, v.Key)
	}
	for _, want := range []string{"DATABASE_URL", "HUBSPOT_API_KEY"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not set", want)
		}
	}
	shutdown := ""
	for _, v := range group.EnvVars {
		if v.Sync != nil {
			t.Errorf("%s: Render ignores sync in a group", v.Key)
		}
		if v.Key == "SHUTDOWN_TIMEOUT" {
			shutdown = v.Value
		}
		names = append(names, v.Key)
	}
	wantSettings(t, file, names...)
	wantPatience(t, file, time.Duration(service.MaxShutdownDelaySeconds)*time.Second, shutdown)

	if !strings.HasPrefix(service.PreDeployCommand, "bin/contactsync migrate up") || service.StartCommand != "bin/contactsync run" ||
		!strings.Contains(service.BuildCommand, " -o bin/ ./cmd/contactsync") {
		t.Errorf("builds %q, runs %q and %q", service.BuildCommand, service.PreDeployCommand, service.StartCommand)
	}
	if service.HealthCheckPath != "/readyz" || service.NumInstances < 2 {
		t.Errorf("health check %s, %d instances", service.HealthCheckPath, service.NumInstances)
	}
}
