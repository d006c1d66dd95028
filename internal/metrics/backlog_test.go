package metrics_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/metrics"
	"github.com/scrapersky/contactsync/internal/ops"
)

// scrape answers what a scrape says.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Errorf("a scrape is answered with %d: %s", answer.Code, answer.Body)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func has(t *testing.T, text, line string, wanted bool) {
	t.Helper()
	if strings.Contains("\n"+text, "\n"+line) != wanted {
		t.Errorf("a scrape says %q: %v, want %v", line, !wanted, wanted)
	}
}

// However often somebody scrapes, the database is asked seldom, and takes no more
// than a twentieth of its time for it.
func TestTheDatabaseIsAskedSeldom(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		took time.Duration
		most int // looks within a minute of scrapes, one a second
	}{
		"a fast look": {time.Millisecond, 13},
		"a slow look": {time.Second, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				looks := 0
				m := metrics.New(prometheus.NewRegistry(), "v1")
				m.Destination(hubspot.Info, 1).WatchBacklog(func(context.Context) (ops.Snapshot, error) {
					looks++
					time.Sleep(test.took)
					return ops.Snapshot{Queue: ops.Queue{Due: int64(looks)}}, nil
				}, slog.New(slog.DiscardHandler))
				for range 60 {
					scrape(t, m)
					time.Sleep(time.Second)
				}
				if looks > test.most || looks < 2 {
					t.Errorf("%d looks in a minute, want a few, %d at most", looks, test.most)
				}
			})
		})
	}
}

// A database that refuses, or hangs, costs the scrape its own metrics and no
// others, and no more than 2 s.
func TestAFailingDatabaseFailsNoScrape(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fail error
		hang := false
		m := metrics.New(prometheus.NewRegistry(), "v1")
		m.Destination(hubspot.Info, 1).WatchBacklog(func(ctx context.Context) (ops.Snapshot, error) {
			if hang {
				<-ctx.Done()
				return ops.Snapshot{}, ctx.Err()
			}
			return ops.Snapshot{Queue: ops.Queue{Due: 7}}, fail
		}, slog.New(slog.DiscardHandler))
		check := func(up bool) {
			t.Helper()
			text := scrape(t, m)
			has(t, text, `contactsync_database_up{destination="hubspot"} 1`, up)
			has(t, text, `contactsync_database_up{destination="hubspot"} 0`, !up)
			has(t, text, `contactsync_queue_contacts{destination="hubspot",state="due"} 7`, up)
			has(t, text, `contactsync_leader{destination="hubspot"} 0`, true)
		}
		check(true)
		time.Sleep(time.Minute)
		fail = errors.New("it refuses")
		check(false)
		time.Sleep(time.Minute)
		hang = true
		began := time.Now()
		check(false)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("a scrape took %v", took)
		}
		time.Sleep(time.Minute)
		fail, hang = nil, false
		check(true)
	})
}
