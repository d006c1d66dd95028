package api

import (
	"strings"
	"testing"
	"time"
)

const testToken = "pat-eu1-7d1e0f5c-this-is-the-test-token"

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Options)
		says   string // empty: it is taken
	}{
		{"defaults", func(*Options) {}, ""},
		{"a proxy's path", func(o *Options) { o.BaseURL = "https://proxy.example.com/hubspot/" }, ""},
		{"this host, unencrypted", func(o *Options) { o.BaseURL = "http://localhost:8090" }, ""},
		{"this host by number", func(o *Options) { o.BaseURL = "http://127.0.0.2:8090" }, ""},
		{"this host by number 6", func(o *Options) { o.BaseURL = "http://[::1]:8090" }, ""},
		{"another host, unencrypted", func(o *Options) { o.BaseURL = "http://hubspotsim:8090" }, "unencrypted"},
		{"a host that looks like this one", func(o *Options) { o.BaseURL = "http://localhost.example.com" }, "unencrypted"},
		{"another host, allowed", func(o *Options) { o.BaseURL, o.AllowHTTP = "http://hubspotsim:8090", true }, ""},
		{"another scheme", func(o *Options) { o.BaseURL = "ftp://localhost" }, "https://"},
		{"no scheme", func(o *Options) { o.BaseURL = "api.hubapi.com" }, "scheme"},
		{"a password", func(o *Options) { o.BaseURL = "https://u:" + testToken + "@example.com" }, "scheme"},
		{"a bad URL", func(o *Options) { o.BaseURL = "https://u:" + testToken + "@%zz" }, "not a URL"},
		{"no key", func(o *Options) { o.Token = "" }, "missing"},
		{"a key with a line break", func(o *Options) { o.Token = testToken + "\n" }, "blanks"},
		{"an old version", func(o *Options) { o.Version = "v1" }, "2026-09"},
		{"a negative rate", func(o *Options) { o.RatePer10s = -1 }, "negative"},
		{"a negative timeout", func(o *Options) { o.Timeout = -time.Second }, "negative"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := Options{Token: testToken}
			test.change(&o)
			_, err := New(o)
			switch {
			case test.says == "" && err != nil:
				t.Error(err)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
				t.Errorf("error %v does not say %q", err, test.says)
			case err != nil && strings.Contains(err.Error(), testToken):
				t.Errorf("error %q holds the key", err)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	const base = "https://api.hubapi.com"
	for version, want := range map[string][3]string{
		"2026-09": {"/crm/objects/2026-09/contacts/batch/upsert", "/crm/properties/2026-09/contacts/a%2Fb", "/account-info/2026-09/details"},
		"2026-03": {"/crm/objects/2026-03/contacts/batch/upsert", "/crm/properties/2026-03/contacts/a%2Fb", "/account-info/2026-03/details"},
		"v3":      {"/crm/v3/objects/contacts/batch/upsert", "/crm/v3/properties/contacts/a%2Fb", "/account-info/v3/details"},
	} {
		u := urls{base, version}
		got := [3]string{u.contacts("/batch/upsert"), u.property("a/b"), u.account("/details")}
		for i := range got {
			if got[i] != base+want[i] {
				t.Errorf("%s: %s, want %s", version, got[i], base+want[i])
			}
		}
	}
}
