package database

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// querier is a connection, a transaction or a pool.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// setting is a session's, or empty where it has none of that name.
func setting(t *testing.T, conn querier, name string) string {
	t.Helper()
	var value *string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting($1, true)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	if value == nil {
		return ""
	}
	return *value
}
