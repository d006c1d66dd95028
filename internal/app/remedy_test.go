package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/database/encoding"
)

// refuse is a server that answers every connection with an error.
func refuse(code string) func(context.Context, string, string) (net.Conn, error) {
	return refuseWith(code, "no")
}

func refuseWith(code, message string) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			backend := pgproto3.NewBackend(server, server)
			if _, err := backend.ReceiveStartupMessage(); err != nil {
				return
			}
			backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
			_ = backend.Flush()
		}()
		return client, nil
	}
}

func dialFails(err error) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: err}
	}
}

func TestRemedy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		dial    func(context.Context, string, string) (net.Conn, error)
		remedy  string
		lasting bool
	}{
		"wrong password":   {refuse(badPassword), "password authentication failed; check user and password", true},
		"pg_hba":           {refuse(notAuthorized), "pg_hba.conf", true},
		"no such database": {refuse(noDatabase), "the database does not exist; create it", true},
		"no CONNECT":       {refuse(noPrivilege), "permission denied; grant this user CONNECT", true},
		"full":             {refuse(tooMany), "too many connections", false},
		"a parameter":      {refuse(noParameter), "the server refuses a parameter", false},
		"starting up":      {refuse(startingUp), "try again in a moment", false},
		"no such host":     {dialFails(&net.DNSError{Err: "no such host", Name: "db.example.org"}), "host not found", false},
		"nobody listens":   {dialFails(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection refused", false},
		"silence":          {dialFails(context.DeadlineExceeded), "firewalls", false},
		"no IPv6":          {dialFails(os.NewSyscallError("connect", syscall.ENETUNREACH)), "network is unreachable; where the host has an IPv6 address alone", false},
		"a role's limit":   {refuseWith(tooMany, `too many connections for role "jane"`), "the role's CONNECTION LIMIT is reached", false},
		"a database's":     {refuseWith(tooMany, `too many connections for database "app"`), "the database's CONNECTION LIMIT is reached", false},
		"anything":         {dialFails(errors.New("the cable is cut")), "check that PostgreSQL runs there", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := pgconn.ParseConfig("postgres://jane:hunter2@127.0.0.1:5432/app?sslmode=disable")
			if err != nil {
				t.Fatal(err)
			}
			config.DialFunc = tt.dial
			_, err = pgconn.ConnectConfig(t.Context(), config)
			err = fmt.Errorf("claim: %w", err)
			got := Remedy(err)
			if !strings.HasPrefix(got, "tried 127.0.0.1:5432/app as user jane: ") || !strings.Contains(got, tt.remedy) {
				t.Errorf("got %q, want %q in it", got, tt.remedy)
			}
			if strings.Contains(got+err.Error(), "hunter2") {
				t.Errorf("the password is printed: %v\n%s", err, got)
			}
			if isLasting(err) != tt.lasting {
				t.Errorf("isLasting is %t", !tt.lasting)
			}
		})
	}
	if got := Remedy(errors.New("something else")); got != "" {
		t.Errorf("another error: %q", got)
	}
	if !isLasting(&database.PooledError{}) {
		t.Error("waiting does not take a pooler away")
	}
	if !isLasting(&encoding.Error{Encoding: "LATIN1"}) || !isLasting(&database.SettingError{Err: &pgconn.PgError{}}) {
		t.Error("waiting changes neither an encoding nor a parameter")
	}
}
