package database

import (
	"context"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// with adds parameters to a URL.
func with(t *testing.T, raw string, params ...string) string {
	t.Helper()
	parsed, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	query := parsed.Query()
	for i := 0; i < len(params); i += 2 {
		query.Set(params[i], params[i+1])
	}
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

func TestConnectMakesItsSettings(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	conn, err := Connect(t.Context(), with(t, pgtest.Empty(t),
		"search_path", "elsewhere,public", "application_name", "theirs", "timezone", "Asia/Tokyo", "pool_max_conns", "7"), "box-1")
	if err != nil {
		t.Fatal(err)
	}
	defer Close(t.Context(), conn)
	for name, want := range map[string]string{
		"application_name":        "contactsync/box-1",
		"TimeZone":                "UTC",
		"contactsync.worker":      "on",
		"statement_timeout":       "15s",
		"tcp_keepalives_idle":     "10",
		"tcp_keepalives_interval": "5",
		"tcp_keepalives_count":    "3",
		"tcp_user_timeout":        "10000",
		"search_path":             "elsewhere,public",
	} {
		got := setting(t, conn, name)
		if got == "0" && runtime.GOOS != "linux" {
			continue // a server on this machine may know only some of the tcp_ settings
		}
		if got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestConnectErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nobody there":       "postgres://app:hunter2@127.0.0.1:1/db",
		"not a port":         "postgres://app:hunter2@host:port/db",
		"unescaped at sign":  "postgres://app:x@hunter2:y@host/db",
		"unescaped slash":    "postgres://app:hun/hunter2@host/db",
		"unescaped percent":  "postgres://app:%hunter2@host/db",
		"space":              "postgres://app:hunter2 @ho st/db",
		"keywords":           "host=127.0.0.1 port=x password=hunter2",
		"keywords, unclosed": "host=127.0.0.1 password='hunter2",
		"unknown tls mode":   "postgres://app:hunter2@127.0.0.1/db?sslmode=perhaps",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := Connect(t.Context(), raw, "test")
			if err == nil {
				Close(t.Context(), conn)
				t.Fatal("connected")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

func TestConnectGivesUpOnASilentServer(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	proxy := netproxy.New(t, pgtest.Empty(t))
	proxy.Freeze()
	began := time.Now()
	conn, err := Connect(t.Context(), with(t, proxy.URL(), "connect_timeout", "1"), "test")
	if err == nil {
		Close(t.Context(), conn)
		t.Fatal("connected")
	}
	t.Logf("gave up after %s: %v", time.Since(began).Round(time.Millisecond), err)
}

func TestCloseIsNotHeldUpBySilence(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	proxy := netproxy.New(t, pgtest.Empty(t))
	conn, err := Connect(t.Context(), proxy.URL(), "test")
	if err != nil {
		t.Fatal(err)
	}
	proxy.Freeze()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := conn.Exec(ctx, "SELECT 1"); err == nil {
		t.Fatal("answered through a frozen proxy")
	}
	began := time.Now()
	Close(t.Context(), conn)
	t.Logf("closed after %s", time.Since(began).Round(time.Millisecond))
	select {
	case <-conn.PgConn().CleanupDone():
		t.Error("the farewell went through: this test shows nothing")
	default:
	}
	if _, err := conn.PgConn().Conn().Write([]byte{0}); err == nil {
		t.Error("the socket is still open")
	}
}
