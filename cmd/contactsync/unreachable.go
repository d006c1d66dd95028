package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/database"
)

// SQLSTATEs with which a server refuses a connection.
const (
	badPassword   = "28P01"
	notAuthorized = "28000"
	noDatabase    = "3D000"
	noPrivilege   = "42501"
	tooMany       = "53300"
	startingUp    = "57P03"
)

// remedyFor says what was tried and what to check when the database could not be
// reached, or forbids something. It is empty for any other error: those name
// their remedies.
func remedyFor(err error) string {
	refused, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok {
		return remedyForDenied(err)
	}
	cfg := refused.Config
	where := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))) + "/" + cfg.Database
	return fmt.Sprintf("Tried %s as user %s. %s", where, cfg.User, advice(err))
}

func advice(err error) string {
	const settings = "DATABASE_URL (or DATABASE_DIRECT_URL)"
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch answer.Code {
		case badPassword:
			return "Check user and password in " + settings + "."
		case notAuthorized:
			return "The server lets this user in from elsewhere, or otherwise: check the user and sslmode in " + settings + ", and the server's pg_hba.conf."
		case noDatabase:
			return "Create the database, or mend its name in " + settings + "."
		case noPrivilege:
			return "Grant this user CONNECT on the database."
		case tooMany:
			return "The server has no connection left: end some, or raise max_connections."
		case startingUp:
			return "The server is starting up or shutting down: try again in a moment."
		}
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "The server proves to be another: use the name that the certificate is for as the host in " + settings + "."
	}
	if isUntrusted(err) {
		return "The server's certificate is not to be trusted: name the file with the certificate of its CA in " + settings + ": sslrootcert=..."
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "Nobody knows this host: mend it in " + settings + "."
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "Nobody listens there: start PostgreSQL, or mend host and port in " + settings + "."
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "Nobody answers there: check the host in " + settings + ", and firewalls and lists of allowed addresses on the way."
	}
	return "Check that PostgreSQL runs there, and " + settings + ", sslmode included."
}

// hopeless says whether a person must change something before a connection can
// be made; waiting alone will not do.
func hopeless(err error) bool {
	if _, pooled := errors.AsType[*database.PooledError](err); pooled {
		return true
	}
	if isUntrusted(err) {
		return true
	}
	fault := database.Classify(err)
	return fault == database.Login || fault == database.Denied
}

// passing says whether the database refused a statement for a reason of the moment:
// it is shutting down, has no room, or the statement took too long.
func passing(err error) bool {
	fault := database.Classify(err)
	return fault == database.Server || fault == database.Connection
}

// isUntrusted says whether a server's certificate was refused.
func isUntrusted(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	return untrusted || unknown
}
