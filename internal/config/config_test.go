package config_test

import (
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/config"
)

const someURL = "postgres://user:hunter2@db.example.org:5432/app"

// load reads the settings from a database URL and these variables.
func load(t *testing.T, variables map[string]string) (config.Config, error) {
	t.Helper()
	env := map[string]string{"DATABASE_URL": someURL}
	maps.Copy(env, variables)
	return config.Load(t.Context(), envconfig.MapLookuper(env))
}

func defaults() config.Config {
	return config.Config{
		Database: config.Database{URL: config.NewSecret(someURL), DirectURL: config.NewSecret(someURL), Contacts: config.Contacts{Table: "contacts"}},
		HubSpot: config.HubSpot{
			BaseURL: "https://api.hubapi.com", Version: "2026-09", Timeout: 30 * time.Second, Doubt: 5 * time.Minute, RatePer10s: 100,
			Properties: config.Properties{
				DomainID: "scrapersky_domain_id", PageID: "scrapersky_page_id", SyncDate: "scrapersky_sync_date",
			},
			Sync: config.Sync{
				Interval: 5 * time.Minute, BatchSize: 10, MaxInstances: 1,
				MaxRetries: 3, RetryDelay: 5 * time.Minute, RetryExponential: true,
			},
		},
		Webhook: config.Webhook{
			Timeout: 30 * time.Second, Doubt: 5 * time.Minute, RatePer10s: 100,
			Sync: config.Sync{Interval: 5 * time.Minute, BatchSize: 10, MaxInstances: 1, MaxRetries: 3, RetryDelay: 5 * time.Minute, RetryExponential: true},
		},
		Brevo: config.Brevo{
			BaseURL: "https://api.brevo.com/v3", Timeout: 30 * time.Second, Doubt: 5 * time.Minute,
			Attributes: config.Attributes{Phone: "PHONE", DomainID: "DOMAIN_ID", PageID: "PAGE_ID"},
			Sync: config.Sync{
				Interval: 5 * time.Minute, BatchSize: 10, MaxInstances: 1,
				MaxRetries: 3, RetryDelay: 5 * time.Minute, RetryExponential: true,
			},
		},
		HTTP:            config.HTTP{Addr: "127.0.0.1:8080"},
		Log:             config.Log{Level: slog.LevelInfo, Format: "text"},
		Alert:           config.Alert{BacklogAge: 5 * time.Minute, FailuresPerHour: 100},
		ShutdownTimeout: 25 * time.Second,
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  map[string]string
		want func(*config.Config)
	}{
		"defaults": {nil, func(*config.Config) {}},
		"blank counts as not set": {
			map[string]string{"HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE": "", "HUBSPOT_SYNC_RETRY_EXPONENTIAL": " ", "LOG_LEVEL": "\t"},
			func(*config.Config) {},
		},
		"blanks around a value do not count": {
			map[string]string{"HUBSPOT_API_KEY": " pat-eu1-1\n", "HUBSPOT_SYNC_MAX_RETRIES": " 7 "},
			func(c *config.Config) {
				c.HubSpot.APIKey = config.NewSecret("pat-eu1-1")
				c.HubSpot.Sync.MaxRetries = 7
			},
		},
		"decimal minutes": {
			map[string]string{"HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES": "0.05", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES": "1.5"},
			func(c *config.Config) {
				c.HubSpot.Sync.Interval, c.HubSpot.Sync.RetryDelay = 3*time.Second, 90*time.Second
			},
		},
		"durations for minutes": {
			map[string]string{"HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES": "3s", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES": "100ms"},
			func(c *config.Config) {
				c.HubSpot.Sync.Interval, c.HubSpot.Sync.RetryDelay = 3*time.Second, 100*time.Millisecond
			},
		},
		"an explicit zero is not the default": {
			map[string]string{"HUBSPOT_SYNC_MAX_RETRIES": "0", "HUBSPOT_SYNC_RETRY_EXPONENTIAL": "false"},
			func(c *config.Config) { c.HubSpot.Sync.MaxRetries, c.HubSpot.Sync.RetryExponential = 0, false },
		},
		"ends of ranges": {
			map[string]string{
				"HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE": "1000", "HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES": "64",
				"HUBSPOT_SYNC_MAX_RETRIES": "100", "SHUTDOWN_TIMEOUT": "5s", "HUBSPOT_TIMEOUT": "100ms",
			},
			func(c *config.Config) {
				c.HubSpot.Sync.BatchSize, c.HubSpot.Sync.MaxInstances, c.HubSpot.Sync.MaxRetries = 1000, 64, 100
				c.ShutdownTimeout, c.HubSpot.Timeout = 5*time.Second, 100*time.Millisecond
			},
		},
		"words in any case": {
			map[string]string{"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "JSON", "HUBSPOT_API_VERSION": "V3", "LOG_REDACT_EMAILS": "TRUE"},
			func(c *config.Config) {
				c.Log = config.Log{Level: slog.LevelDebug, Format: "json", RedactEmails: true}
				c.HubSpot.Version = "v3"
			},
		},
		"PORT means every interface": {
			map[string]string{"PORT": "10000"},
			func(c *config.Config) { c.HTTP.Addr, c.HTTP.Port = "0.0.0.0:10000", 10000 },
		},
		"HTTP_ADDR before PORT": {
			map[string]string{"PORT": "10000", "HTTP_ADDR": "[::1]:0"},
			func(c *config.Config) { c.HTTP.Addr, c.HTTP.Port = "[::1]:0", 10000 },
		},
		"http to the loopback": {
			map[string]string{"HUBSPOT_API_BASE_URL": "http://127.0.0.1:8090/"},
			func(c *config.Config) { c.HubSpot.BaseURL = "http://127.0.0.1:8090" },
		},
		"http where it is allowed": {
			map[string]string{"HUBSPOT_API_BASE_URL": "http://hubspotsim:8090", "HUBSPOT_ALLOW_HTTP": "true"},
			func(c *config.Config) { c.HubSpot.BaseURL, c.HubSpot.AllowHTTP = "http://hubspotsim:8090", true },
		},
		"a webhook": {
			map[string]string{
				"N8N_WEBHOOK_URL": "http://n8n:5678/webhook/x", "N8N_ALLOW_HTTP": "true", "N8N_WEBHOOK_SECRET": "s3cret",
				"N8N_SYNC_SCHEDULER_INTERVAL_MINUTES": "1", "N8N_SYNC_MAX_RETRIES": "0",
			},
			func(c *config.Config) {
				c.Webhook.URL, c.Webhook.AllowHTTP, c.Webhook.Secret = config.NewSecret("http://n8n:5678/webhook/x"), true, config.NewSecret("s3cret")
				c.Webhook.Sync.Interval, c.Webhook.Sync.MaxRetries = time.Minute, 0
			},
		},
		"Brevo's own": {
			map[string]string{
				"BREVO_API_KEY": "xkeysib-1", "BREVO_LIST_ID": "30", "BREVO_SYNC_SCHEDULER_BATCH_SIZE": "20", "BREVO_SYNC_RETRY_DELAY_MINUTES": "3s",
				"BREVO_ATTRIBUTE_FIRSTNAME": "PRENOM", "BREVO_ATTRIBUTE_LASTNAME": "NOM",
			},
			func(c *config.Config) {
				c.Brevo.APIKey, c.Brevo.ListID = config.NewSecret("xkeysib-1"), 30
				c.Brevo.Sync.BatchSize, c.Brevo.Sync.RetryDelay = 20, 3*time.Second
				c.Brevo.Attributes.FirstName, c.Brevo.Attributes.LastName = "PRENOM", "NOM"
			},
		},
		"a direct URL": {
			map[string]string{"DATABASE_DIRECT_URL": "host=db.example.org user=u dbname=app"},
			func(c *config.Config) {
				c.Database.DirectURL = config.NewSecret("host=db.example.org user=u dbname=app")
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := load(t, tt.env)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			tt.want(&want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestPartNeedsOnlyItsOwn(t *testing.T) {
	t.Parallel()
	env := envconfig.MapLookuper(map[string]string{"DATABASE_URL": someURL, "HUBSPOT_TIMEOUT": "soon", "PORT": "x"})

	database, err := config.Part[config.Database](t.Context(), env)
	if err != nil || database.DirectURL.Reveal() != someURL {
		t.Errorf("Database: %v, %v", database, err)
	}
	log, err := config.Part[config.Log](t.Context(), envconfig.MapLookuper(nil))
	if err != nil || log.Format != "text" {
		t.Errorf("Log: %+v, %v", log, err)
	}
	type both struct {
		Log  config.Log
		HTTP config.HTTP
	}
	if _, err := config.Part[both](t.Context(), env); err == nil || !strings.Contains(err.Error(), "PORT") {
		t.Errorf("two sections: %v, want a problem of PORT", err)
	}
}
