// Package config reads the settings. It exists because a process with a bad
// setting must report that before it touches anything, and must report every
// problem at once: whoever deploys it should need one more try, not one for each
// variable. What it returns has been checked; no other package reads the
// environment.
package config

import (
	"context"
	"log/slog"
	"time"

	"github.com/sethvargo/go-envconfig"
)

// Config is all there is to set. Beside the env tags, range and oneof name the
// values that are allowed, and example shows one where there is no default. What
// stands in prefix goes before the names of a section's variables.
type Config struct {
	Database Database
	HubSpot  HubSpot
	Brevo    Brevo
	Webhook  Webhook
	HTTP     HTTP
	Log      Log
	Alert    Alert

	// ShutdownTimeout is how long an orderly stop may take, from the signal to
	// the end of the process.
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT,default=25s" range:"5s..10m"`
}

// Database is where the contacts are.
type Database struct {
	URL Secret `env:"DATABASE_URL,required" example:"postgres://user:password@localhost:5432/app"`

	// DirectURL leads past a pooler, for what a pooler in transaction mode
	// breaks: locks and notifications. It is URL where it is not set.
	DirectURL Secret `env:"DATABASE_DIRECT_URL" example:"postgres://user:password@localhost:5432/app"`

	Contacts Contacts
}

// Contacts is the table of the database that the contacts are in.
type Contacts struct {
	// Table has its schema, or is found by search_path.
	Table string `env:"CONTACTS_TABLE,default=contacts"`

	// Columns are the app's names for columns of the contract that it calls otherwise.
	Columns ColumnMap `env:"CONTACTS_COLUMNS" example:"email:mail,name:full_name"`
}

// HubSpot is the account that the contacts go to, and how fast they go.
type HubSpot struct {
	// APIKey is empty where the sync is to be off.
	APIKey Secret `env:"HUBSPOT_API_KEY" example:"pat-eu1-00000000-0000-0000-0000-000000000000"`

	// APIKeyFile is where APIKey came from, and where its successor will be; empty
	// where it came from the environment.
	APIKeyFile string `env:"HUBSPOT_API_KEY_FILE" example:"/run/secrets/hubspot-api-key"`

	// PortalID is the one account that the key may belong to; 0 for any.
	PortalID int64 `env:"HUBSPOT_PORTAL_ID" range:"1.." example:"12345678"`

	// BaseURL has no slash at its end.
	BaseURL string `env:"HUBSPOT_API_BASE_URL,default=https://api.hubapi.com"`
	Version string `env:"HUBSPOT_API_VERSION,default=2026-09" oneof:"2026-09 2026-03 v3"`

	// Timeout bounds one request, from the first byte sent to the last received.
	Timeout time.Duration `env:"HUBSPOT_TIMEOUT,default=30s" range:"100ms..5m"`

	// Doubt is how long a request that was not answered may take effect all the same:
	// what was sent to such a contact meanwhile is sent once more afterwards.
	Doubt time.Duration `env:"HUBSPOT_DOUBT,default=5m" range:"0s..1h"`

	// RatePer10s is how many requests all slots together may send in any 10 s.
	RatePer10s int `env:"HUBSPOT_RATE_LIMIT_PER_10S,default=100" range:"1..100000"`

	// SkipUnchanged completes contacts without a request when HubSpot already has all
	// of their values.
	SkipUnchanged bool `env:"HUBSPOT_SKIP_UNCHANGED,default=false"`

	// AllowHTTP lets the key travel unencrypted to a host that is not this one.
	AllowHTTP bool `env:"HUBSPOT_ALLOW_HTTP,default=false"`

	Properties Properties
	Sync       Sync `prefix:"HUBSPOT_"`
}

// Properties are the internal names of the HubSpot properties that contacts are
// written to, beyond email, firstname, lastname and phone.
type Properties struct {
	DomainID string `env:"HUBSPOT_CUSTOM_PROPERTY_DOMAIN_ID,default=scrapersky_domain_id"`
	PageID   string `env:"HUBSPOT_CUSTOM_PROPERTY_PAGE_ID,default=scrapersky_page_id"`
	SyncDate string `env:"HUBSPOT_CUSTOM_PROPERTY_SYNC_DATE,default=scrapersky_sync_date"`

	// Map has the extra columns.
	Map PropertyMap `env:"HUBSPOT_PROPERTY_MAP" example:"job_title:jobtitle,source_url:website!"`
}

// Brevo is the account that the contacts go to, beside HubSpot or alone.
type Brevo struct {
	// APIKey is empty where the sync is to be off.
	APIKey Secret `env:"BREVO_API_KEY" example:"xkeysib-0000000000000000"`

	// APIKeyFile is where APIKey came from, and where its successor will be; empty
	// where it came from the environment.
	APIKeyFile string `env:"BREVO_API_KEY_FILE" example:"/run/secrets/brevo-api-key"`

	// BaseURL has no slash at its end.
	BaseURL string `env:"BREVO_API_BASE_URL,default=https://api.brevo.com/v3"`

	// Timeout bounds one request, from the first byte sent to the last received.
	Timeout time.Duration `env:"BREVO_TIMEOUT,default=30s" range:"100ms..5m"`

	// Doubt is as HubSpot's.
	Doubt time.Duration `env:"BREVO_DOUBT,default=5m" range:"0s..1h"`

	// AllowHTTP lets the key travel unencrypted to a host that is not this one.
	AllowHTTP bool `env:"BREVO_ALLOW_HTTP,default=false"`

	// ListID is the list that contacts are added to; 0: none.
	ListID int64 `env:"BREVO_LIST_ID" range:"1.." example:"30"`

	Attributes Attributes
	Sync       Sync `prefix:"BREVO_"`
}

// Attributes are the names of the Brevo attributes that contacts are written to, beside
// the email.
type Attributes struct {
	// FirstName and LastName are those of the account's language where they are empty.
	FirstName string `env:"BREVO_ATTRIBUTE_FIRSTNAME" example:"FIRSTNAME"`
	LastName  string `env:"BREVO_ATTRIBUTE_LASTNAME" example:"LASTNAME"`

	Phone    string `env:"BREVO_ATTRIBUTE_PHONE,default=PHONE"`
	DomainID string `env:"BREVO_ATTRIBUTE_DOMAIN_ID,default=DOMAIN_ID"`
	PageID   string `env:"BREVO_ATTRIBUTE_PAGE_ID,default=PAGE_ID"`

	// Map has the extra columns.
	Map PropertyMap `env:"BREVO_ATTRIBUTE_MAP" example:"job_title:JOB_TITLE,phone_number:SMS"`
}

// Webhook is where the contacts are posted to, and how fast.
type Webhook struct {
	// URL is empty where nothing is to be posted. It is a secret, because whoever knows
	// it can post.
	URL Secret `env:"N8N_WEBHOOK_URL" example:"https://n8n.example.org/webhook/00000000-0000-0000-0000-000000000000"`

	// Secret signs what is posted, and is its bearer token.
	Secret Secret `env:"N8N_WEBHOOK_SECRET" example:"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"`

	// Timeout bounds one request, from the first byte sent to the last received.
	Timeout time.Duration `env:"N8N_TIMEOUT,default=30s" range:"100ms..5m"`

	// Doubt is as HubSpot's: what was sent meanwhile is sent once more, with an id of its own.
	Doubt time.Duration `env:"N8N_DOUBT,default=5m" range:"0s..1h"`

	// RatePer10s is how many requests all slots together send in 10 s, on average.
	RatePer10s int `env:"N8N_RATE_LIMIT_PER_10S,default=100" range:"1..100000"`

	// AllowHTTP lets contacts and secret travel unencrypted to a host that is not this one.
	AllowHTTP bool `env:"N8N_ALLOW_HTTP,default=false"`

	Fields Fields
	Sync   Sync `prefix:"N8N_"`
}

// Fields are the members of the body beyond those that every one has.
type Fields struct {
	// Map has the extra columns.
	Map PropertyMap `env:"N8N_FIELD_MAP" example:"phone_number:phone,job_title:jobTitle!"`
}

// Sync is how the queue of one destination is worked off.
type Sync struct {
	// Interval is the tick that finds contacts without a notification.
	Interval     time.Duration `env:"SYNC_SCHEDULER_INTERVAL_MINUTES,default=5" range:"1s..24h"`
	BatchSize    int           `env:"SYNC_SCHEDULER_BATCH_SIZE,default=10" range:"1..1000"`
	MaxInstances int           `env:"SYNC_SCHEDULER_MAX_INSTANCES,default=1" range:"1..64"`

	// MaxRetries counts the attempts after the first.
	MaxRetries int `env:"SYNC_MAX_RETRIES,default=3" range:"0..100"`

	// RetryDelay is the wait before the first retry. The next ones wait twice as
	// long each, or as much longer as the first where RetryExponential is off.
	RetryDelay       time.Duration `env:"SYNC_RETRY_DELAY_MINUTES,default=5" range:"100ms..24h"`
	RetryExponential bool          `env:"SYNC_RETRY_EXPONENTIAL,default=true"`
}

// HTTP is where the health checks, the metrics and the dashboard are.
type HTTP struct {
	// Addr is host:port, from one of the two variables or the default.
	Addr string `env:"HTTP_ADDR" example:"127.0.0.1:8080"`

	// Port is how platforms hand out a port; Addr has it where it counts.
	Port int `env:"PORT" range:"1..65535" example:"10000"`

	// MetricsToken is empty where everybody may read the metrics.
	MetricsToken Secret `env:"METRICS_TOKEN"`

	// DashboardPassword is empty where the dashboard is to serve this machine alone.
	DashboardPassword Secret `env:"DASHBOARD_PASSWORD"`

	// DashboardReadOnly lets nobody change anything there.
	DashboardReadOnly bool `env:"DASHBOARD_READ_ONLY,default=false"`
}

// Log is what is logged, and in which form.
type Log struct {
	Level  slog.Level `env:"LOG_LEVEL,default=info" oneof:"debug info warn error"`
	Format string     `env:"LOG_FORMAT,default=text" oneof:"text json"`

	// RedactEmails shortens j.doe@example.org to j***@example.org.
	RedactEmails bool `env:"LOG_REDACT_EMAILS,default=false"`
}

// Alert is who gets alerts, and about what.
type Alert struct {
	// WebhookURL takes {"text": "..."}, as Slack does; it is a secret, because whoever
	// knows it can post. Empty: no alerts.
	WebhookURL Secret `env:"ALERT_WEBHOOK_URL" example:"https://hooks.slack.com/services/T000/B000/XXXX"`

	// AllowHTTP lets what is posted travel unencrypted to a host that is not this one.
	AllowHTTP bool `env:"ALERT_ALLOW_HTTP,default=false"`

	// BacklogAge is how long a contact may be due before that is too long.
	BacklogAge time.Duration `env:"ALERT_BACKLOG_AGE,default=5m" range:"10s..24h"`

	// FailuresPerHour is how many contacts may end in Error within an hour; 0: any
	// number.
	FailuresPerHour int `env:"ALERT_FAILURES_PER_HOUR,default=100" range:"0..1000000"`
}

// Load reads all settings. A variable that is set but blank counts as not set,
// and blanks around a value do not count. The error is an *Error with every
// problem there is.
func Load(ctx context.Context, env envconfig.Lookuper) (Config, error) {
	return Part[Config](ctx, env)
}

// Part reads only some settings, for commands that can do without the rest: T is
// one of the sections of Config, or a struct of several of them. The error is an
// *Error with every problem in that part.
func Part[T any](ctx context.Context, env envconfig.Lookuper) (T, error) {
	var settings T
	if problems := decode(ctx, tidy(env), &settings); len(problems) > 0 {
		var none T
		return none, &Error{Problems: problems}
	}
	return settings, nil
}
