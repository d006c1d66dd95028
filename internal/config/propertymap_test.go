package config_test

import (
	"slices"
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
