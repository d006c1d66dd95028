package config_test

import (
	"maps"
	"strings"
	"testing"
)

func TestContacts(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, map[string]string{
		"CONTACTS_TABLE":   `app."My ""people"""`,
		"CONTACTS_COLUMNS": " email : mail,name:Full Name,phone_number:tel:home,id:name,",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"email": "mail", "name": "Full Name", "phone_number": "tel:home", "id": "name"}
	if got := cfg.Database.Contacts; got.Table != `app."My ""people"""` || !maps.Equal(got.Columns.Names, want) {
		t.Errorf("got %s %v, want %v", got.Table, got.Columns.Names, want)
	}
}

// A column that stands in for updated_at is written by contactsync: it cannot be sent.
func TestTheMappedUpdatedAtIsNotSent(t *testing.T) {
	t.Parallel()
	_, err := load(t, map[string]string{
		"CONTACTS_COLUMNS": "updated_at:changed", "HUBSPOT_PROPERTY_MAP": "changed:last_change",
	})
	if err == nil || !strings.Contains(err.Error(), `"changed:last_change" maps a column that contactsync itself writes`) {
		t.Errorf("error %v, want that contactsync writes the column", err)
	}
}
