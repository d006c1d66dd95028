package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// authority is a CA that nobody will miss.
type authority struct {
	*testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{T: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	var der []byte
	der, a.key = a.sign(template, template, nil)
	a.cert = template
	if err := os.WriteFile(a.file, pemOf("CERTIFICATE", der), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign makes a key and the certificate for it; by a nil key, with itself.
func (a *authority) sign(template, parent *x509.Certificate, by *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
	a.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.Fatal(err)
	}
	return der, key
}

// serverCert is a certificate for hosts, with its key.
func (a *authority) serverCert(hosts ...string) (cert, key []byte) {
	a.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "database"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, private := a.sign(template, a.cert, a.key)
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.Fatal(err)
	}
	return pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", bytes)
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// serveTLS gives a running server a certificate. The server itself writes the
// files, because they must be its account's, wherever it runs.
func serveTLS(t *testing.T, dbURL string, cert, key []byte) {
	t.Helper()
	dir := pgtest.Value[string](t, dbURL, "SELECT current_setting('data_directory')")
	for name, content := range map[string][]byte{"server.crt": cert, "server.key": key} {
		lines := "VALUES ('" + strings.Join(strings.Split(strings.TrimSpace(string(content)), "\n"), "'), ('") + "')"
		pgtest.Exec(t, dbURL, fmt.Sprintf(`COPY (%s) TO PROGRAM 'umask 077 && cat > "%s/%s"'`, lines, dir, name))
	}
	pgtest.Exec(t, dbURL, "ALTER SYSTEM SET ssl = on")
	pgtest.Exec(t, dbURL, "SELECT pg_reload_conf()")
	encrypted := with(t, dbURL, "sslmode=require")
	for end := time.Now().Add(progtest.Patience); ; { // the server takes a moment to read its settings again
		if pgtest.Value[string](t, dbURL, "SHOW ssl") == "on" && pgtest.Value[bool](t, encrypted, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the server does not speak TLS")
		}
	}
}

// with is a URL with other parameters.
func with(t *testing.T, dbURL, query string) string {
	t.Helper()
	u, err := url.Parse(dbURL)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = query
	return u.String()
}

// With sslmode=verify-full every connection is encrypted and goes to the server
// that the CA vouches for, or there is none.
func TestTLSToPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Own(t, postgres.Options{Kind: postgres.Kind(os.Getenv("CONTACTSYNC_TEST_POSTGRES"))})
	ca, stranger := newAuthority(t, "the CA"), newAuthority(t, "another CA")
	host := mustParse(t, server.URL).Hostname()
	cert, key := ca.serverCert(host)
	serveTLS(t, server.URL, cert, key)
	pgtest.Migrate(t, server.URL)
	const password = "a-password-to-look-for"
	pgtest.Exec(t, server.URL, "CREATE ROLE worker LOGIN PASSWORD '"+password+"'")
	if err := schema.Grant(t.Context(), server.URL, pgtest.Options(), "worker", schema.Worker, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	u := mustParse(t, server.URL)
	u.User = url.UserPassword("worker", password)
	verified := with(t, u.String(), "sslmode=verify-full&sslrootcert="+url.QueryEscape(ca.file))

	in := progtest.InstallOn(t, server.URL)
	env := in.Env("DATABASE_URL=" + verified)
	leads, follows := in.Start(env, "run"), in.Start(env, "run")
	in.AwaitAsleep()
	in.Queue(3)
	in.Await("3 Complete/Complete", progtest.Counts)
	for _, p := range []*progtest.Process{leads, follows} {
		addr, _ := p.Wait("serving HTTP", 1)[0]["addr"].(string)
		if code := get(t, "http://"+addr+"/readyz"); code != http.StatusOK {
			t.Errorf("/readyz answers %d", code)
		}
	}
	// Slot, listener and the pool of the leader; slot and pool of the follower.
	if got := in.Ask(`SELECT count(*) || ' ' || bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
		WHERE a.application_name LIKE 'contactsync%' AND a.usename = 'worker'`); got != "5 true" {
		t.Errorf("connections and whether all are encrypted: %s, want 5 true", got)
	}
	for _, args := range []string{"status", "queue c1@example.org", "sync c2@example.org", "migrate status"} {
		if _, errs, code := in.Command(env, strings.Fields(args)...); code != 0 {
			t.Errorf("%s: exit code %d\n%s", args, code, errs)
		}
	}
	leads.Stop()
	follows.Stop()

	commands := []string{"run", "status", "migrate status"}
	refused := func(what, setting string, wants ...string) {
		t.Helper()
		for _, args := range commands {
			out, errs, code := in.Command(in.Env("DATABASE_URL="+setting), strings.Fields(args)...)
			for _, want := range wants {
				if code != 1 || !strings.Contains(errs, want) {
					t.Errorf("%s, %s: exit code %d, want 1 and %q:\n%s", what, args, code, want, errs)
				}
			}
			if strings.Contains(errs, "trying again") {
				t.Errorf("%s, %s: waits for what no waiting mends:\n%s", what, args, errs)
			}
			if strings.Contains(out+errs, password) {
				t.Errorf("%s, %s: the password is in\n%s%s", what, args, out, errs)
			}
		}
	}
	refused("a stranger's CA", with(t, verified, "sslmode=verify-full&sslrootcert="+url.QueryEscape(stranger.file)), "unknown authority", "sslrootcert")
	refused("the system's CAs", with(t, verified, "sslmode=verify-full"), "unknown authority", "sslrootcert")
	cert, key = ca.serverCert("db.example.org", "192.0.2.1")
	serveTLS(t, server.URL, cert, key)
	refused("another host's certificate", verified, "192.0.2.1, not "+host, "the name that the certificate is for")
	pgtest.Exec(t, server.URL, "ALTER SYSTEM SET ssl = off")
	pgtest.Exec(t, server.URL, "SELECT pg_reload_conf()")
	for end := time.Now().Add(progtest.Patience); pgtest.Value[string](t, server.URL, "SHOW ssl") != "off" && time.Now().Before(end); {
		continue // each question is a new connection
	}
	commands = commands[1:] // run waits a minute, as for a server that is starting up
	refused("a server without TLS", verified, "server refused TLS", "sslmode")
	if n := in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`); n == "0" {
		t.Error("the test is void")
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
