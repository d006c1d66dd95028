package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/database/encoding"
)

// SQLSTATEs with which a server refuses a connection.
const (
	badPassword   = "28P01"
	notAuthorized = "28000"
	noDatabase    = "3D000"
	noPrivilege   = "42501"
	tooMany       = "53300"
	startingUp    = "57P03"
	noParameter   = "42704"
	noValue       = "22023"
)

// isLasting reports whether a person must change something before a connection can
// be made; waiting alone does not help.
func isLasting(err error) bool {
	if _, pooled := errors.AsType[*database.PooledError](err); pooled {
		return true
	}
	if _, setting := errors.AsType[*database.SettingError](err); setting {
		return true
	}
	if _, other := errors.AsType[*encoding.Error](err); other {
		return true
	}
	if isUntrusted(err) {
		return true
	}
	fault := database.Classify(err)
	return fault == database.Login || fault == database.Denied
}

// isPassing reports whether the database refused a statement for a reason of the
// moment: it is shutting down, has no room, or the statement took too long.
func isPassing(err error) bool {
	fault := database.Classify(err)
	return fault == database.Server || fault == database.Connection
}

// isUntrusted reports whether a server's certificate was refused.
func isUntrusted(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	return untrusted || unknown
}
