package dashboard_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/web"
	"github.com/scrapersky/contactsync/internal/web/dashboard"
)

// counter counts the batches of statements: each query of the state is one.
type counter struct{ batches atomic.Int64 }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.batches.Add(1)
	return ctx
}
func (c *counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (c *counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// served is a dashboard on a server, until stop is called.
func served(t *testing.T) (addr string, queries *counter, stop func() error) {
	t.Helper()
	config, err := pgxpool.ParseConfig(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	queries = new(counter)
	config.ConnConfig.Tracer = queries
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	d, err := dashboard.New(ctx, dashboard.Options{Store: ops.New(pool, onContacts), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(d.Run)
	ended := make(chan error, 1)
	running.Go(func() {
		ended <- web.Serve(ctx, ln, web.Handler(web.Site{Dashboard: d}), slog.New(slog.DiscardHandler))
	})
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)
	return ln.Addr().String(), queries, func() error { cancel(); return <-ended }
}

// stream opens a stream.
func stream(t *testing.T, addr string) (events *bufio.Scanner) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if kind := res.Header.Get("Content-Type"); res.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("answered %d %s", res.StatusCode, kind)
	}
	return bufio.NewScanner(res.Body)
}

// next reads up to an event or a comment.
func next(t *testing.T, events *bufio.Scanner, line string) {
	t.Helper()
	for events.Scan() {
		if events.Text() == line {
			return
		}
	}
	t.Fatalf("the stream ends before %q: %v", line, events.Err())
}

// However many look at streams and pages, one asks the database. And when serving ends, streams end as
// answers do that are complete: nothing waits for them, and nothing is cut.
func TestManyLook(t *testing.T) {
	t.Parallel()
	addr, queries, stop := served(t)
	const many = 40
	var streams []*bufio.Scanner
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	began := time.Now()
	for range many {
		s := stream(t, addr)
		next(t, s, "event: sentence")
		streams = append(streams, s)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res, err)
		}
		_ = res.Body.Close()
	}
	asked, most := queries.batches.Load(), int64(time.Since(began)/(900*time.Millisecond))+2
	t.Logf("%d streams, %d queries of the database in %v", many, asked, time.Since(began).Round(time.Millisecond))
	if asked > most {
		t.Errorf("%d queries for %d streams, want at most %d in that time", asked, many, most)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, s := range streams {
		for s.Scan() {
		}
		if err := s.Err(); err != nil {
			t.Fatalf("a stream was cut: %v", err)
		}
	}
}

// There is a bound, beyond which nobody is let in; and who goes makes room.
func TestTooManyLook(t *testing.T) {
	t.Parallel()
	addr, _, _ := served(t)
	ask := func() (status int, leave func()) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: "+addr+"\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // the connection is closed
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, func() { _ = conn.Close() }
	}
	var last func()
	for range 64 {
		status, leave := ask()
		if status != http.StatusOK {
			t.Fatalf("answered %d", status)
		}
		last = leave
	}
	if status, _ := ask(); status != http.StatusServiceUnavailable {
		t.Errorf("the 65th is answered %d", status)
	}
	last()
	for end := time.Now().Add(time.Minute); ; { // the server notices in its own time
		if status, _ := ask(); status == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatal("who goes makes no room")
		}
	}
}

// The server's limits are for requests that end: a stream goes on beyond them.
func TestStreamOutlivesTheServersLimits(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	addr, _, _ := served(t)
	s := stream(t, addr)
	for range 3 { // 45 s: longer than any limit of reading and of writing
		next(t, s, ": still here")
	}
}

// The names of the files change with what is in them, so that they are kept.
func TestFilesAreKept(t *testing.T) {
	t.Parallel()
	d := board(t, nowhere, nil)
	html := answer(d, local(t, http.MethodGet, "/nothing")).Body.String()
	_, rest, _ := strings.Cut(html, `href="/static/style-`)
	name, _, _ := strings.Cut(rest, `"`)
	w := answer(d, local(t, http.MethodGet, "/static/style-"+name))
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
