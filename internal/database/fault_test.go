package database

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ alone, inTrigger Fault }{
		"":      {Row, Row},
		"01000": {Row, Row},               // warning
		"08006": {Connection, Connection}, // connection_failure
		"0A000": {Row, Row},               // feature_not_supported
		"22001": {Row, Row},               // string_data_right_truncation
		"22P02": {Row, Row},               // invalid_text_representation
		"23502": {Row, Row},               // not_null_violation
		"23505": {Row, Row},               // unique_violation
		"23514": {Row, Row},               // check_violation
		"25006": {Server, Server},         // read_only_sql_transaction
		"25P02": {Row, Row},               // in_failed_sql_transaction
		"28000": {Login, Login},           // invalid_authorization_specification
		"28P01": {Login, Login},           // invalid_password
		"3D000": {Login, Login},           // invalid_catalog_name
		"3F000": {Schema, Row},            // invalid_schema_name
		"40001": {Server, Server},         // serialization_failure
		"40P01": {Server, Server},         // deadlock_detected
		"42501": {Denied, Denied},         // insufficient_privilege
		"42703": {Schema, Row},            // undefined_column
		"42883": {Schema, Row},            // undefined_function
		"42P01": {Schema, Row},            // undefined_table
		"53100": {Server, Server},         // disk_full
		"53200": {Server, Server},         // out_of_memory
		"53300": {Server, Server},         // too_many_connections
		"55000": {Server, Row},            // object_not_in_prerequisite_state
		"55006": {Server, Row},            // object_in_use
		"55P03": {Server, Server},         // lock_not_available
		"57014": {Server, Server},         // query_canceled
		"57P01": {Server, Server},         // admin_shutdown
		"57P03": {Server, Server},         // cannot_connect_now
		"58030": {Server, Server},         // io_error
		"CS001": {Row, Row},               // contactsync's own, of a migration
		"P0001": {Row, Row},               // raise_exception
		"XX001": {Server, Server},         // data_corrupted
	}
	for code, want := range tests {
		alone := &pgconn.PgError{Code: code}
		if got := Classify(fmt.Errorf("claim: %w", alone)); got != want.alone {
			t.Errorf("SQLSTATE %q is %q, want %q", code, got, want.alone)
		}
		inTrigger := &pgconn.PgError{Code: code, Where: "PL/pgSQL function app() line 1 at RAISE"}
		if got := Classify(inTrigger); got != want.inTrigger {
			t.Errorf("SQLSTATE %q of a trigger is %q, want %q", code, got, want.inTrigger)
		}
		if got := TimedOut(alone); got != (code == "57014") {
			t.Errorf("SQLSTATE %q counts as a timeout: %t", code, got)
		}
	}
	for _, err := range []error{nil, context.Canceled, errors.New("x")} {
		if got := Classify(err); got != NoAnswer {
			t.Errorf("%v is %q, want no answer", err, got)
		}
	}
}
