package progtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// Patience bounds the wait for what must happen; no test measures with it.
const Patience = pgtest.Patience

// GoodKey is the key that the simulated HubSpot takes.
const GoodKey = "pat-eu1-good-key"

// Installation is a migrated database, a HubSpot and the programs between them.
type Installation struct {
	testing.TB
	URL    string          // the database, as the role that owns it
	Worker string          // the same, as the programs' role: it may do their work and nothing else
	App    *pgx.Conn       // an app's connection
	Sim    *hubspotsim.Sim // HubSpot
	API    string          // where HubSpot answers
}

// Install gives a test an installation on a database of its own.
func Install(tb testing.TB) *Installation {
	tb.Helper()
	in := InstallOn(tb, pgtest.New(tb))
	in.Worker = pgtest.AsWorker(tb, in.URL)
	return in
}

// InstallOn gives a test an installation on a migrated database that it has
// already, perhaps behind something that plays the network. The programs go in with
// that URL, too, unless the test sets Worker.
func InstallOn(tb testing.TB, databaseURL string) *Installation {
	tb.Helper()
	sim := hubspotsim.New(hubspotsim.Options{Token: GoodKey})
	in := &Installation{TB: tb, URL: databaseURL, Worker: databaseURL, Sim: sim, API: ServeHubSpot(tb, sim, sim)}
	in.App = in.Connect()
	return in
}

// ServeHubSpot serves the simulator by way of a handler, which may be itself, and
// answers where. It ends with the test.
func ServeHubSpot(tb testing.TB, sim *hubspotsim.Sim, by http.Handler) (url string) {
	tb.Helper()
	server := httptest.NewServer(by)
	tb.Cleanup(func() {
		sim.ClearFaults() // lets go of what hangs
		server.Close()
	})
	return server.URL
}

// Measuring says whether a test's figures are for people, who want many rounds
// and full sizes.
func Measuring() bool { return os.Getenv("CONTACTSYNC_MEASURE") != "" }

// Connect opens a connection as any app would.
func (in *Installation) Connect() *pgx.Conn {
	in.Helper()
	conn, err := pgx.Connect(in.Context(), in.URL)
	if err != nil {
		in.Fatal(err)
	}
	in.Cleanup(func() { _ = conn.Close(context.WithoutCancel(in.Context())) })
	return conn
}

// Queue inserts n contacts that are to be synced, in one commit.
func (in *Installation) Queue(n int) {
	in.Helper()
	in.Exec(`INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status)
		SELECT 'c' || i || '@example.org', 'Name ' || i, 'Queued', 'Queued' FROM generate_series(1, $1::int) i`, n)
}

// Env is what a program needs; more settings are added, or win. The tick is an
// hour away, so that nothing is found by chance.
func (in *Installation) Env(more ...string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"DATABASE_URL=" + in.Worker, "HUBSPOT_API_KEY=" + GoodKey, "HUBSPOT_API_BASE_URL=" + in.API,
		"HTTP_ADDR=127.0.0.1:0", "LOG_FORMAT=json", "HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=60",
	}
	return append(env, more...)
}

// AsOwner is the same installation with programs that may change the schema.
func (in *Installation) AsOwner() *Installation {
	owner := *in
	owner.Worker = in.URL
	return &owner
}

// WantEachOnce checks that HubSpot got n contacts, each in one write.
func (in *Installation) WantEachOnce(n int) {
	in.Helper()
	times := map[string]int{}
	for _, w := range in.Sim.Writes() {
		times[w.Email]++
	}
	if len(times) != n {
		in.Errorf("%d contacts in HubSpot, want %d", len(times), n)
	}
	for email, k := range times {
		if k != 1 {
			in.Errorf("%s was sent %d times", email, k)
		}
	}
}
