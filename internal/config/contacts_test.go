package config_test

import (
	"maps"
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
