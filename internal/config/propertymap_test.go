package config_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/config"
)

func TestPropertyMap(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, map[string]string{
		"HUBSPOT_PROPERTY_MAP": " job_title:jobtitle, Company Name : company ! ,a:b:website,job_title:other,",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Pair{
		{Column: "job_title", Property: "jobtitle"},
		{Column: "Company Name", Property: "company", Clear: true},
		{Column: "a:b", Property: "website"},
		{Column: "job_title", Property: "other"},
	}
	if got := cfg.HubSpot.Properties.Map; !slices.Equal(got.Pairs, want) || !slices.Equal(got.Columns(), []string{"job_title", "Company Name", "a:b", "job_title"}) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Columns of a destination that is off are the app's own; where it is on, contactsync
// writes them.
func TestAnotherDestinationsColumns(t *testing.T) {
	t.Parallel()
	const brevo, n8n = "brevo_contact_id", "n8n_processing_status"
	for _, test := range []struct {
		variable, pair string
		on, value      string // what turns the other destination on
	}{
		{"HUBSPOT_PROPERTY_MAP", brevo + ":brevo_id", "BREVO_API_KEY", "xkeysib-0"},
		{"HUBSPOT_PROPERTY_MAP", n8n + ":n8n_status", "N8N_WEBHOOK_URL", "https://n8n.example.org/webhook/x"},
		{"BREVO_ATTRIBUTE_MAP", n8n + ":N8N_STATUS", "N8N_WEBHOOK_URL", "https://n8n.example.org/webhook/x"},
		{"N8N_FIELD_MAP", brevo + ":brevoId", "BREVO_API_KEY", "xkeysib-0"},
		{"N8N_FIELD_MAP", brevo + ":brevoId", "BREVO_API_KEY_FILE", "/nowhere/brevo-api-key"},
	} {
		t.Run(test.variable+" and "+test.on, func(t *testing.T) {
			t.Parallel()
			if _, err := load(t, map[string]string{test.variable: test.pair}); err != nil {
				t.Errorf("while it is off: %v", err)
			}
			_, err := load(t, map[string]string{test.variable: test.pair, test.on: test.value})
			if want := strconv.Quote(test.pair) + " maps a column that contactsync itself writes"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("while it is on: %v, want %q", err, want)
			}
		})
	}
}
