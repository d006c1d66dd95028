package database

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestPoolIsAnApp(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	pool, err := NewPool(t.Context(), with(t, url, "search_path", "elsewhere"), "web", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if n := pool.Stat().TotalConns(); n != 0 {
		t.Errorf("%d connections before the first use", n)
	}
	for name, want := range map[string]string{
		"application_name":   "contactsync/web",
		"TimeZone":           "UTC",
		"statement_timeout":  "15s",
		"search_path":        "elsewhere",
		"contactsync.worker": "", // the triggers reset and ring for a person's request
	} {
		if got := setting(t, pool, name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestPoolThroughATransactionPooler(t *testing.T) {
	t.Parallel()
	pooler := netproxy.NewPooler(t, pgtest.Empty(t), netproxy.Transaction)
	pool, err := NewPool(t.Context(), pooler.URL(), "web", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	busy, err := pool.Begin(t.Context()) // takes one server connection away from the others
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Rollback(t.Context()) }()
	for range 3 {
		if got := setting(t, pool, "statement_timeout"); got != "0" {
			t.Errorf("statement_timeout = %q was left behind for other apps", got)
		}
		if got := setting(t, busy, "contactsync.worker"); got != "" {
			t.Errorf("contactsync.worker = %q", got)
		}
	}
}

func TestPoolErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	_, err := NewPool(t.Context(), "postgres://app:x@hunter2:y@host/db?pool_max_conns=many", "web", 2)
	if err == nil || err.Error() != errURL.Error() {
		t.Errorf("error %v", err)
	}
}
