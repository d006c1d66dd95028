package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Remedy returns what was tried and what to check when the database could not be
// reached, or forbids something. It is empty for any other error: those name
// their remedies.
func Remedy(err error) string {
	refused, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok {
		return remedyForDenied(err)
	}
	cfg := refused.Config
	where := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))) + "/" + cfg.Database
	return fmt.Sprintf("tried %s as user %s: %s", where, cfg.User, remedyForRefused(err))
}

// remedyForRefused names the reason in the words that people search for, and then
// what to do.
func remedyForRefused(err error) string {
	const settings = "DATABASE_URL (or DATABASE_DIRECT_URL)"
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch answer.Code {
		case badPassword:
			return "password authentication failed; check user and password in " + settings
		case notAuthorized:
			return "the server does not let this user in from here, or not this way; check the user and sslmode in " + settings + ", and the server's pg_hba.conf"
		case noDatabase:
			return "the database does not exist; create it, or correct its name in " + settings
		case noPrivilege:
			return "permission denied; grant this user CONNECT on the database"
		case tooMany:
			return fullRemedy(answer)
		case noParameter, noValue:
			return "the server refuses a parameter; correct it in " + settings + ", or leave it out"
		case startingUp:
			return "the server is starting up or shutting down; try again in a moment"
		}
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the server's certificate is for another host; use the name that the certificate is for as the host in " + settings
	}
	if isUntrusted(err) {
		return "the server's certificate is not trusted; name the file with the certificate of its CA in " + settings + ": sslrootcert=..."
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "host not found; correct it in " + settings
	}
	if errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return "network is unreachable; where the host has an IPv6 address alone and this machine has no IPv6 (a direct connection of Supabase, for one), " +
			"write the address of the provider's pooler in session mode in " + settings + ", which has IPv4; docs/hosting.md says which"
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "connection refused; start PostgreSQL, or correct host and port in " + settings
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time; check the host in " + settings + ", and firewalls and lists of allowed addresses on the way"
	}
	return "check that PostgreSQL runs there, and " + settings + ", sslmode included"
}

// fullRemedy says whose connections are used up, and how many it takes.
func fullRemedy(answer *pgconn.PgError) string {
	const needed = "of contactsync a leader takes 2 connections and a follower 1; beyond that /readyz, /metrics and alerts take 1 each at a time, the dashboard up to 3 while somebody looks, a command 1 or 2"
	switch {
	case strings.Contains(answer.Message, "for role"):
		return "the role's CONNECTION LIMIT is reached; raise it with ALTER ROLE ... CONNECTION LIMIT, or give contactsync a role of its own: " + needed
	case strings.Contains(answer.Message, "for database"):
		return "the database's CONNECTION LIMIT is reached; raise it with ALTER DATABASE ... CONNECTION LIMIT, or end some: " + needed
	}
	return "too many connections; end some, or raise max_connections: " + needed
}

// remedyForDenied returns what to do when the database forbids something to this
// role. It is empty for any other error.
func remedyForDenied(err error) string {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || answer.Code != noPrivilege {
		return ""
	}
	return "the role in DATABASE_URL may not do this; what changes the schema (migrate) is for the role that owns contacts, " +
		"for everything else run `contactsync migrate grant ROLE` as that role, once"
}
