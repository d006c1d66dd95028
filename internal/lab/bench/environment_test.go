package bench

import "testing"

func TestAddressOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"postgres://u:p@h:5433/app?search_path=crm&sslmode=require": "postgres://u:p@h:5433/other?search_path=public&sslmode=require",
		"postgres://u@h?dbname=app":                                 "postgres://u@h/other?search_path=public",
		"host=h user=u dbname=app":                                  "host=h user=u dbname=app dbname=other search_path=public",
	} {
		if got := (&environment{address: address}).at("other"); got != want {
			t.Errorf("%s leads to %s, want %s", address, got, want)
		}
	}
}
