package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/config"
)

// The key travels encrypted, unless it stays on this very machine or somebody
// allowed it by name. What only looks like this machine is another one.
func TestTheKeyTravelsEncrypted(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://api.hubapi.com":             "https://api.hubapi.com",
		"HTTPS://api.hubapi.com/":            "HTTPS://api.hubapi.com",
		"https://proxy.example.org:8443/hub": "https://proxy.example.org:8443/hub",
		"http://localhost:8090":              "http://localhost:8090",
		"http://127.0.0.1:8090":              "http://127.0.0.1:8090",
		"http://127.9.9.9":                   "http://127.9.9.9",
		"http://[::1]:8090":                  "http://[::1]:8090",
		"http://[::ffff:127.0.0.1]:8090":     "http://[::ffff:127.0.0.1]:8090",

		"http://api.hubapi.com":               "",
		"HTTP://api.hubapi.com":               "",
		"http://localhost.evil.example":       "",
		"http://evil.example.localhost.":      "",
		"http://127.0.0.1.evil.example":       "",
		"http://127.0.0.1.":                   "",
		"http://127.0.0.1@evil.example":       "",
		"http://localhost:x@evil.example":     "",
		"http://evil.example#@127.0.0.1":      "",
		"http://evil.example?127.0.0.1":       "",
		"http://evil.example/127.0.0.1":       "",
		`http://127.0.0.1\@evil.example`:      "",
		"http://127.0.0.1%2eevil.example":     "",
		"http://2130706433":                   "", // 127.0.0.1 to some, and a name to others
		"http://0x7f000001":                   "",
		"http://0177.0.0.1":                   "",
		"http://127.1":                        "",
		"http://0.0.0.0:8090":                 "",
		"http://[::]:8090":                    "",
		"http://[::ffff:192.0.2.1]":           "",
		"http://[::1%25eth0]":                 "",
		"http://10.0.0.1":                     "",
		"http://host.docker.internal:8090":    "",
		"https://user:secret@api.hubapi.com":  "",
		"https://api.hubapi.com?hapikey=x":    "",
		"https://api.hubapi.com?":             "",
		"https://api.hubapi.com#x":            "",
		"https://":                            "",
		"https://:443":                        "",
		"https:api.hubapi.com":                "",
		"//api.hubapi.com":                    "",
		"api.hubapi.com":                      "",
		"httpss://api.hubapi.com":             "",
		"file:///etc/passwd":                  "",
		"ftp://127.0.0.1":                     "",
		"unix:///run/socket":                  "",
		"javascript:alert(1)":                 "",
		"https://api.hubapi.com\r\nX-Evil: 1": "",
	} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			cfg, err := load(t, map[string]string{"HUBSPOT_API_BASE_URL": base})
			if want != "" {
				if err != nil || cfg.HubSpot.BaseURL != want {
					t.Errorf("%q, %v; want %q", cfg.HubSpot.BaseURL, err, want)
				}
				return
			}
			bad, ok := errors.AsType[*config.Error](err)
			if !ok || len(bad.Problems) != 1 || bad.Problems[0].Var != "HUBSPOT_API_BASE_URL" {
				t.Fatalf("taken as %q, %v; want it refused", cfg.HubSpot.BaseURL, err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Error(err)
			}
		})
	}

	// Allowed by name is allowed for http alone.
	for base, allowed := range map[string]bool{
		"http://hubspotsim:8090": true, "ftp://hubspotsim": false, "http://me@hubspotsim:8090": false,
	} {
		_, err := load(t, map[string]string{"HUBSPOT_API_BASE_URL": base, "HUBSPOT_ALLOW_HTTP": "true"})
		if (err == nil) != allowed {
			t.Errorf("%s with HUBSPOT_ALLOW_HTTP: %v", base, err)
		}
	}
}
