package config_test

import (
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/config"
)

// secretWord takes the place of § in what the fuzzer makes, where a secret may
// stand: it would not find such a word by itself.
const secretWord = "hunter2-hunter2"

// variables are those of all settings, from the tags of the structs.
func variables(part reflect.Type, prefix string) (names []string) {
	for field := range part.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		if name != "" {
			names = append(names, prefix+name)
		} else if field.Type.Kind() == reflect.Struct {
			names = append(names, variables(field.Type, prefix+field.Tag.Get("prefix"))...)
		}
	}
	return names
}

// FuzzLoad reads any environment: NAME=value, one a line. Either the settings
// can be used, and keep what they promise, or every problem names its variable
// and none tells a secret.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"DATABASE_URL=postgres://user:§@db:5432/app",
		"DATABASE_URL=postgres://user:§@db:port/app\nDATABASE_DIRECT_URL=§",
		"DATABASE_URL=host=db password=§ sslmode=verify-full sslrootcert=/no/§/file",
		"DATABASE_URL=postgres:///?host=/§&sslcert=§&sslkey=§&servicefile=§",
		"DATABASE_URL=x\nHUBSPOT_API_KEY=pat-eu1-§\nHUBSPOT_API_BASE_URL=http://127.0.0.1:8090/\nHUBSPOT_ALLOW_HTTP=true",
		"DATABASE_URL=postgres://h/d\nHUBSPOT_API_KEY=\"§\"\nDASHBOARD_PASSWORD=§\nPORT=0x10\nHTTP_ADDR=[::1]:0",
		"DATABASE_URL=postgres://h/d\nHUBSPOT_API_BASE_URL=https://me:x@api.example.org/%zz\nHUBSPOT_SYNC_RETRY_DELAY_MINUTES=1e-300",
		"DATABASE_URL=postgres://h/d\nHUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=Inf\nSHUTDOWN_TIMEOUT=9223372036s\nLOG_LEVEL=INFO+1\nLOG_FORMAT=JSON",
		"DATABASE_URL=postgres://h/d\nHUBSPOT_CUSTOM_PROPERTY_PAGE_ID=email\nHUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES=64\nHUBSPOT_RATE_LIMIT_PER_10S=1\nHUBSPOT_PORTAL_ID=-0",
	} {
		f.Add(seed)
	}
	known := variables(reflect.TypeFor[config.Config](), "")
	secret := []string{"DATABASE_URL", "DATABASE_DIRECT_URL", "HUBSPOT_API_KEY", "DASHBOARD_PASSWORD"}
	f.Fuzz(func(t *testing.T, text string) {
		env := map[string]string{}
		for line := range strings.Lines(text) {
			name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			word := ""
			if slices.Contains(secret, name) {
				word = secretWord
			}
			if ok && slices.Contains(known, name) {
				env[name] = strings.ReplaceAll(value, "§", word)
			}
		}
		cfg, err := config.Load(t.Context(), envconfig.MapLookuper(env))
		if err == nil {
			usable(t, cfg)
			return
		}
		bad, ok := errors.AsType[*config.Error](err)
		if !ok || len(bad.Problems) == 0 {
			t.Fatalf("%v is no *Error with problems", err)
		}
		for _, p := range bad.Problems {
			if !slices.Contains(known, p.Var) || p.Message == "" {
				t.Errorf("problem %+v", p)
			}
			// The name of a file is told, and is no secret.
			if strings.Contains(p.String(), secretWord) && !strings.HasPrefix(p.Message, "it names a file that cannot be read") {
				t.Errorf("a secret is told: %v", err)
			}
		}
	})
}

// usable checks what the rest of the program relies on.
func usable(t *testing.T, cfg config.Config) {
	t.Helper()
	s, h := cfg.HubSpot.Sync, cfg.HubSpot
	if cfg.Database.URL.IsZero() || cfg.Database.DirectURL.IsZero() || cfg.HTTP.Addr == "" ||
		s.BatchSize < 1 || s.BatchSize > 1000 || s.Interval < time.Second || s.Interval > 24*time.Hour ||
		s.RetryDelay < 100*time.Millisecond || s.RetryDelay > 24*time.Hour || s.MaxRetries < 0 || s.MaxRetries > 100 ||
		s.MaxInstances < 1 || h.RatePer10s/s.MaxInstances < 1 || h.PortalID < 0 ||
		h.Timeout < 100*time.Millisecond || cfg.ShutdownTimeout < 5*time.Second ||
		cfg.Log.Format != "text" && cfg.Log.Format != "json" || h.Version == "" {
		t.Errorf("%+v", cfg)
	}
	u, err := url.Parse(h.BaseURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		t.Errorf("base URL %q: %v", h.BaseURL, err)
	} else if host := u.Hostname(); u.Scheme != "https" && !h.AllowHTTP &&
		host != "localhost" && !strings.HasPrefix(host, "127.") && !strings.Contains(host, ":") {
		t.Errorf("the key would travel unencrypted to %q", h.BaseURL)
	}
}

// FuzzEnvFile reads any file: either it can be read, or the error tells the line
// and nothing of what stands there.
func FuzzEnvFile(f *testing.F) {
	for _, seed := range []string{
		"A=1\nB='two\nlines'\nexport C=\"§\"\n# D=§\n", "A=§\n§\n", "A='§\n", "A=${§}\nB=$A$B", "\uFEFFA=§", "=§\n", "A:§\r\nB=\\", "A=\"§\\\"\n", "\x00§",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return // looking for the bad line takes time that grows with the square
		}
		text = strings.ReplaceAll(text, "§", secretWord)
		path := writeFile(t, text)
		env, err := config.WithFile(envconfig.MapLookuper(nil), path)
		if err == nil {
			_, _ = env.Lookup("A")
			return
		}
		if _, ok := errors.AsType[*config.Error](err); !ok || !strings.Contains(err.Error(), ": line ") {
			t.Errorf("%v is no *Error with a line", err)
		}
		if strings.Contains(err.Error(), secretWord) {
			t.Errorf("a secret is told: %v", err)
		}
	})
}
