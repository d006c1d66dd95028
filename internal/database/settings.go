package database

import (
	"context"
	_ "embed" // the statement
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed set.sql
var setSQL string

// sessionSettings are those of every connection: what a role or a database has been
// given for its apps must not decide how this program reads times and texts, or when
// its own sessions end. Left as they are: default_transaction_read_only, which somebody
// means, and search_path, which leads to the table. The tcp_ ones make the server
// notice a vanished client within half a minute; on a unix socket they are
// accepted and do nothing.
func sessionSettings(name string) map[string]string {
	return map[string]string{
		"application_name":        "contactsync/" + name,
		"timezone":                "UTC",
		"statement_timeout":       "15s",
		"tcp_keepalives_idle":     "10",
		"tcp_keepalives_interval": "5",
		"tcp_keepalives_count":    "3",
		"tcp_user_timeout":        "10s",

		"standard_conforming_strings":         "on",
		"datestyle":                           "ISO, MDY",
		"intervalstyle":                       "postgres",
		"bytea_output":                        "hex",
		"extra_float_digits":                  "1",
		"default_transaction_isolation":       "read committed",
		"default_transaction_deferrable":      "off",
		"row_security":                        "on",
		"lock_timeout":                        "0",
		"idle_session_timeout":                "0",
		"idle_in_transaction_session_timeout": "60s",
	}
}

// takeRuntimeParams moves what the URL itself sets (search_path, for one) from
// the startup message to the settings, which win where both name one. The two
// that exist only as startup parameters stay; those for a pool mean nothing here.
func takeRuntimeParams(config *pgx.ConnConfig, settings map[string]string) {
	startup := map[string]string{}
	for name, value := range config.RuntimeParams {
		switch {
		case strings.EqualFold(name, "client_encoding"): // see inUTF8
		case name == "options" || name == "replication":
			startup[name] = value
		case settings[name] == "" && !strings.HasPrefix(name, "pool_"):
			settings[name] = value
		}
	}
	config.RuntimeParams = startup
}

// inUTF8 is how texts travel, whatever the role or the database says of it. It is a
// startup parameter that every pooler knows.
func inUTF8(config *pgx.ConnConfig) { config.RuntimeParams["client_encoding"] = "UTF8" }

// set makes all settings in one round trip.
func set(ctx context.Context, conn *pgx.Conn, settings map[string]string) error {
	var names, values []string
	for name, value := range settings {
		names, values = append(names, name), append(values, value)
	}
	_, err := conn.Exec(ctx, setSQL, pgx.QueryExecModeExec, names, values)
	return err
}
