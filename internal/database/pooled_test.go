package database

import (
	"errors"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestConnectRefusesATransactionPooler(t *testing.T) {
	t.Parallel()
	direct := pgtest.Empty(t)
	pooler := netproxy.NewPooler(t, direct, netproxy.Transaction)
	conn, err := Connect(t.Context(), with(t, pooler.URL(), "search_path", "public"), "test")
	if err == nil {
		Close(t.Context(), conn)
	}
	if _, ok := errors.AsType[*PooledError](err); !ok {
		t.Fatalf("connected with %v, want a *PooledError", err)
	}
	if !strings.Contains(err.Error(), "DATABASE_DIRECT_URL") {
		t.Errorf("%q does not name the remedy", err)
	}

	// Another app is given what Connect had. Its writes must ring as ever.
	app := pgtest.Connect(t, with(t, pooler.URL(), "default_query_exec_mode", "simple_protocol"))
	if worker := setting(t, app, "contactsync.worker"); worker != "" {
		t.Errorf("contactsync.worker = %q was left behind for other apps", worker)
	}
	if timeout := setting(t, app, "statement_timeout"); timeout != "0" {
		t.Errorf("statement_timeout = %q was left behind for other apps", timeout)
	}
}

func TestConnectAcceptsASessionPooler(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	pooler := netproxy.NewPooler(t, pgtest.Empty(t), netproxy.Session)
	conn, err := Connect(t.Context(), pooler.URL(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer Close(t.Context(), conn)
	if worker := setting(t, conn, "contactsync.worker"); worker != "on" {
		t.Errorf("contactsync.worker = %q", worker)
	}
}
