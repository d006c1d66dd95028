package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/config"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	c, err := load(t, map[string]string{"HUBSPOT_API_KEY": "hunter2", "DASHBOARD_PASSWORD": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	if c.HubSpot.APIKey.Reveal() != "hunter2" || c.HubSpot.APIKey.IsZero() || !(config.Secret{}).IsZero() {
		t.Error("the secret itself is lost")
	}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", c.HubSpot.APIKey)
	}
	fmt.Fprintln(&out, c.HubSpot.APIKey.String(), c.HubSpot.APIKey.GoString(), c)
	asJSON, err := json.Marshal(c)
	if err != nil || !bytes.Contains(asJSON, []byte(`"APIKey":"REDACTED"`)) {
		t.Errorf("as JSON: %s, %v", asJSON, err)
	}
	out.Write(asJSON)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).InfoContext(t.Context(), "settings", "key", c.HubSpot.APIKey, "all", c)
	}
	for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2")} {
		if strings.Contains(out.String(), form) {
			t.Errorf("printed as %s:\n%s", form, out.String())
		}
	}
	if n := strings.Count(out.String(), "REDACTED"); n < 20 {
		t.Errorf("only %d times REDACTED:\n%s", n, out.String())
	}
}
