package config_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/config"
)

func TestBadValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value string
		message     string // part of it
	}{
		{"DATABASE_URL", "postgres://user:hunter2@db:port/app", "expected postgres://user:password@host:5432/database"},
		{"DATABASE_URL", "mysql://user:hunter2@db/app", "not a URL of a PostgreSQL database"},
		{"DATABASE_URL", "postgresql+asyncpg://user:hunter2@db/app", "write postgresql://"},
		{"DATABASE_URL", "user:hunter2@db/app", "cannot be read"},
		{"DATABASE_URL", "postgres://user:hunter2@db/app?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "open /nowhere/ca.pem"},
		{"DATABASE_URL", "postgres://user:hunter2@db/app?sslmode=maybe", "expected disable, allow, prefer, require"},
		{"DATABASE_DIRECT_URL", "postgres://user:hunter2@db:port/app", "expected postgres://"},
		{"CONTACTS_TABLE", "my table", "expected the name of a table"},
		{"CONTACTS_TABLE", "a.b.c", "expected the name of a table"},
		{"CONTACTS_TABLE", `"people`, "expected the name of a table"},
		{"CONTACTS_COLUMNS", "mail", `"mail" is not a pair column:name`},
		{"CONTACTS_COLUMNS", "email:,:mail", `"email:" is not a pair column:name; ":mail" is not a pair`},
		{"CONTACTS_COLUMNS", "mail:email", "mail is not one of created_at, domain_id, email, id, name, page_id, phone_number, updated_at"},
		{"CONTACTS_COLUMNS", "email:mail,email:e_mail", `"email:e_mail" maps email twice`},
		{"CONTACTS_COLUMNS", "email:retry_count", "that contactsync itself writes"},
		{"CONTACTS_COLUMNS", "email:name", `email and name would both be column "name"`},
		{"CONTACTS_COLUMNS", "postgres://u:hunter2@db/app?x", "a pair: a column is not one of"},
		{"HUBSPOT_API_KEY", `"hunter2"`, "without quotes"},
		{"HUBSPOT_API_KEY", "hunter2 hunter2", "without quotes"},
		{"HUBSPOT_PORTAL_ID", "-1", "a whole number of at least 1, for example 12345678"},
		{"HUBSPOT_PORTAL_ID", "pat-hunter2", "a whole number of at least 1"},
		{"HUBSPOT_API_BASE_URL", "api.hubapi.com", "begins with https://"},
		{"HUBSPOT_API_BASE_URL", "ftp://api.hubapi.com", "begins with https://"},
		{"HUBSPOT_API_BASE_URL", "https://", "begins with https://"},
		{"HUBSPOT_API_BASE_URL", "https://me:hunter2@api.hubapi.com", "without user"},
		{"HUBSPOT_API_BASE_URL", "https://api.hubapi.com?hapikey=hunter2", "without user, query"},
		{"HUBSPOT_API_BASE_URL", "http://api.hubapi.com", "unencrypted"},
		{"HUBSPOT_API_BASE_URL", "http://localhost.example.org", "unencrypted"},
		{"HUBSPOT_API_VERSION", "v1", "2026-09, 2026-03 or v3"},
		{"HUBSPOT_TIMEOUT", "30", "a duration with its unit from 100ms to 5m, for example 30s"},
		{"HUBSPOT_TIMEOUT", "6m", "from 100ms to 5m"},
		{"HUBSPOT_RATE_LIMIT_PER_10S", "0", "a whole number from 1 to 100000, for example 100"},
		{"HUBSPOT_ALLOW_HTTP", "yes", "true or false"},
		{"HUBSPOT_CUSTOM_PROPERTY_DOMAIN_ID", "Domain ID", "internal name"},
		{"HUBSPOT_CUSTOM_PROPERTY_PAGE_ID", "phone", "that of the phone number already"},
		{"HUBSPOT_CUSTOM_PROPERTY_SYNC_DATE", "scrapersky_page_id", "that of HUBSPOT_CUSTOM_PROPERTY_PAGE_ID already"},
		{"HUBSPOT_PROPERTY_MAP", "job_title", `"job_title" is not a pair column:property`},
		{"HUBSPOT_PROPERTY_MAP", "a:jobtitle,:b,c:", `":b" is not a pair column:property; "c:" is not a pair`},
		{"HUBSPOT_PROPERTY_MAP", "a:jobtitle!!", `"a:jobtitle!!" does not name a property`},
		{"HUBSPOT_PROPERTY_MAP", "a:Job Title", "internal name"},
		{"HUBSPOT_PROPERTY_MAP", "title:firstname", `"title:firstname" maps to the property of the name`},
		{"HUBSPOT_PROPERTY_MAP", "address:email", "the property of the email"},
		{"HUBSPOT_PROPERTY_MAP", "a:scrapersky_page_id", "the property of HUBSPOT_CUSTOM_PROPERTY_PAGE_ID"},
		{"HUBSPOT_PROPERTY_MAP", "a:jobtitle,b:jobtitle!", `"b:jobtitle!" maps to the property of column a`},
		{"HUBSPOT_PROPERTY_MAP", "retry_count:tries", "that contactsync itself writes"},
		{"HUBSPOT_PROPERTY_MAP", "pat-hunter2", "a pair is not a pair column:property"},
		{"N8N_WEBHOOK_URL", "n8n.example.org/hunter2", "begins with https://"},
		{"N8N_WEBHOOK_URL", "ftp://n8n.example.org/hunter2", "begins with https://"},
		{"N8N_WEBHOOK_URL", "https:///hunter2", "begins with https://"},
		{"N8N_WEBHOOK_URL", "https://n8n.example.org/#hunter2", "without a fragment"},
		{"N8N_WEBHOOK_URL", "http://n8n:5678/hunter2", "unencrypted"},
		{"N8N_WEBHOOK_SECRET", "hunter2 hunter2", "has a blank"},
		{"N8N_WEBHOOK_SECRET", "whsec_hunter2%", "not base64"},
		{"N8N_TIMEOUT", "30", "a duration with its unit from 100ms to 5m, for example 30s"},
		{"N8N_RATE_LIMIT_PER_10S", "0", "a whole number from 1 to 100000, for example 100"},
		{"N8N_ALLOW_HTTP", "yes", "true or false"},
		{"N8N_FIELD_MAP", "job_title", `"job_title" is not a pair column:field`},
		{"N8N_FIELD_MAP", "a:job title", `"a:job title" does not name a field: expected a letter or an underscore`},
		{"N8N_FIELD_MAP", "a:email", "maps to the field of the email"},
		{"N8N_FIELD_MAP", "a:b,c:b", "maps to the field of column a"},
		{"N8N_FIELD_MAP", "hubspot_contact_id:hubspotId", "that contactsync itself writes"},
		{"N8N_FIELD_MAP", "n8n_retry_count:tries", "that contactsync itself writes"},
		{"N8N_SYNC_SCHEDULER_BATCH_SIZE", "1001", "a whole number from 1 to 1000, for example 10"},
		{"HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES", "often", "a number of minutes, or a duration with its unit, from 1s to 24h, for example 5"},
		{"HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES", "0", "from 1s to 24h"},
		{"HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES", "NaN", "from 1s to 24h"},
		{"HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES", "-5", "from 1s to 24h"},
		{"HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES", "1e300", "from 1s to 24h"},
		{"HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE", "1001", "a whole number from 1 to 1000, for example 10"},
		{"HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE", "010", "a whole number"},
		{"HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE", "0x10", "a whole number"},
		{"HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES", "65", "from 1 to 64"},
		{"HUBSPOT_SYNC_MAX_RETRIES", "-1", "from 0 to 100"},
		{"HUBSPOT_SYNC_RETRY_DELAY_MINUTES", "0.0001", "from 100ms to 24h"},
		{"HUBSPOT_SYNC_RETRY_EXPONENTIAL", "on", "true or false"},
		{"BREVO_API_KEY", "xsmtpsib-hunter2", "is an SMTP key"},
		{"BREVO_API_KEY", "'hunter2'", "without quotes"},
		{"BREVO_API_BASE_URL", "http://api.brevo.com/v3", "unencrypted; expected a URL that begins with https://, for example https://api.brevo.com/v3, or BREVO_ALLOW_HTTP=true"},
		{"BREVO_LIST_ID", "news", "a whole number of at least 1, for example 30"},
		{"BREVO_TIMEOUT", "6m", "from 100ms to 5m"},
		{"BREVO_SYNC_SCHEDULER_BATCH_SIZE", "1001", "from 1 to 1000, for example 10"},
		{"BREVO_ATTRIBUTE_PHONE", "phone", "upper-case"},
		{"BREVO_ATTRIBUTE_PAGE_ID", "DOMAIN_ID", "that of BREVO_ATTRIBUTE_DOMAIN_ID already"},
		{"BREVO_ATTRIBUTE_FIRSTNAME", "PRENOM", "BREVO_ATTRIBUTE_LASTNAME as well"},
		{"BREVO_ATTRIBUTE_MAP", "job_title", `"job_title" is not a pair column:attribute`},
		{"BREVO_ATTRIBUTE_MAP", "job_title:job_title", "does not name an attribute"},
		{"BREVO_ATTRIBUTE_MAP", "job_title:JOB_TITLE!", "leave the ! out"},
		{"BREVO_ATTRIBUTE_MAP", "address:EMAIL", "the attribute of the email"},
		{"BREVO_ATTRIBUTE_MAP", "a:PHONE", "the attribute of BREVO_ATTRIBUTE_PHONE"},
		{"BREVO_ATTRIBUTE_MAP", "brevo_retry_count:TRIES", "that contactsync itself writes"},
		{"BREVO_ATTRIBUTE_MAP", "xkeysib-hunter2", "a pair is not a pair column:attribute"},
		{"HTTP_ADDR", "8080", "expected host:port"},
		{"HTTP_ADDR", ":65536", "expected host:port"},
		{"HTTP_ADDR", "localhost:http", "expected host:port"},
		{"PORT", "0", "from 1 to 65535"},
		{"LOG_LEVEL", "verbose", "debug, info, warn or error"},
		{"LOG_LEVEL", "info+1", "debug, info, warn or error"},
		{"LOG_FORMAT", "xml", "text or json"},
		{"LOG_REDACT_EMAILS", "2", "true or false"},
		{"ALERT_WEBHOOK_URL", "hooks.example.org/hunter2", "begins with https://"},
		{"ALERT_WEBHOOK_URL", "http://hooks.example.org/hunter2", "unencrypted"},
		{"ALERT_WEBHOOK_URL", "https://hooks.example.org/hunter2%zz", "begins with https://"},
		{"ALERT_BACKLOG_AGE", "5", "from 10s to 24h, for example 5m"},
		{"ALERT_FAILURES_PER_HOUR", "-1", "from 0 to 1000000"},
		{"SHUTDOWN_TIMEOUT", "4s", "from 5s to 10m, for example 25s"},
	}
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, map[string]string{tt.name: tt.value})
			bad, ok := errors.AsType[*config.Error](err)
			if !ok || len(bad.Problems) != 1 || bad.Problems[0].Var != tt.name {
				t.Fatalf("got %v, want one problem of %s", err, tt.name)
			}
			if p := bad.Problems[0]; !strings.Contains(p.Message, tt.message) {
				t.Errorf("message is %q, want %q in it", p.Message, tt.message)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is printed: %v", err)
			}
			if secret := strings.Contains(tt.value, "hunter2"); !secret && bad.Problems[0].Value != tt.value {
				t.Errorf("value is %q, want %q", bad.Problems[0].Value, tt.value)
			}
		})
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load(t.Context(), envconfig.MapLookuper(map[string]string{
		"HUBSPOT_API_KEY":                      "'hunter2'",
		"HUBSPOT_TIMEOUT":                      "soon",
		"HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE":    "many",
		"HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES": "10",
		"HUBSPOT_RATE_LIMIT_PER_10S":           "9",
		"HTTP_ADDR":                            "everywhere",
		"PORT":                                 "none",
		"LOG_LEVEL":                            "loud",
		"SHUTDOWN_TIMEOUT":                     "1s",
	}))
	bad, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	var names []string
	for _, p := range bad.Problems {
		names = append(names, p.Var)
		if !strings.Contains(err.Error(), "\n  "+p.String()) {
			t.Errorf("no line for %s in:\n%v", p.Var, err)
		}
	}
	slices.Sort(names)
	want := []string{
		"DATABASE_URL", "HTTP_ADDR", "HUBSPOT_API_KEY", "HUBSPOT_RATE_LIMIT_PER_10S", "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE",
		"HUBSPOT_TIMEOUT", "LOG_LEVEL", "PORT", "SHUTDOWN_TIMEOUT",
	}
	if !slices.Equal(names, want) {
		t.Errorf("problems of %v\nwant       %v", names, want)
	}
	if text := err.Error(); strings.Contains(text, "hunter2") || !strings.HasPrefix(text, "configuration: 9 problems\n") ||
		!strings.Contains(text, `HUBSPOT_TIMEOUT="soon": expected`) || !strings.Contains(text, "DATABASE_URL: is not set, for example postgres://") {
		t.Error(text)
	}
}
