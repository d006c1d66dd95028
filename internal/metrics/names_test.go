package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/drain"
	"github.com/scrapersky/contactsync/internal/metrics"
	"github.com/scrapersky/contactsync/internal/ops"
)

// busy is a registry of which every metric has met something.
func busy(t *testing.T) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewRegistry()
	m := metrics.New(registry, "v1").Destination(hubspot.Info, 1)
	m.WatchBacklog(func(context.Context) (ops.Snapshot, error) {
		return ops.Snapshot{Queue: ops.Queue{Due: 3}}, nil
	}, slog.New(slog.DiscardHandler))
	m.WatchLimits(func() destination.Limits {
		return destination.Limits{
			Rate:  destination.Allowance{Window: "10s", Max: 100, Left: 90, At: time.Now()},
			Daily: destination.Allowance{Window: "day", Max: 250_000, Left: 1, At: time.Now()},
		}
	})
	m.WatchListener(func() bool { return true })
	m.Began(t.Context(), drain.Claimed{Reason: drain.ReasonWake, Woken: time.Now()})
	m.Settled(contact.Contact{}, contact.Outcome{Verdict: contact.Synced, Created: true},
		contact.Settled{Final: contact.Final(contact.Synced), Waited: time.Millisecond})
	m.Ended(t.Context(), drain.Ended{Report: contact.Report{Throttled: time.Second}})
	m.Paused(&contact.AccountPause{Code: contact.CodeDailyLimit})
	send(t, m, "/crm/objects/2026-09/contacts/batch/upsert", 207)
	return registry
}

// send makes one request through the metrics' transport; a status of 0 is none.
func send(t *testing.T, m *metrics.Destination, path string, status int) {
	t.Helper()
	transport := m.Transport(roundTrip(func(*http.Request) (*http.Response, error) {
		if status == 0 {
			return nil, errors.New("no answer")
		}
		return &http.Response{StatusCode: status, Body: http.NoBody}, nil
	}), api.CallName)
	request := httptest.NewRequest(http.MethodPost, path, nil)
	if res, err := transport.RoundTrip(request); err == nil {
		_ = res.Body.Close()
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Every metric has its line in docs/metrics.md, with its type and its labels, and
// every line there its metric.
func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	registry := busy(t)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "contactsync_") {
			have = append(have, line(family))
		}
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(contactsync_[a-z0-9_]+)` \\| ([a-z]+) \\| ([^|]*) \\| ([^|]*) \\| ([^|]*) \\|$")
	var told []string
	for _, found := range row.FindAllStringSubmatch(string(page), -1) {
		var labels []string
		for label := range strings.SplitSeq(found[3], ",") {
			if label = strings.Trim(label, " `–"); label != "" {
				labels = append(labels, label)
			}
		}
		slices.Sort(labels)
		told = append(told, found[1]+" "+found[2]+" "+strings.Join(labels, ","))
		if strings.TrimSpace(found[4]) == "" || strings.TrimSpace(found[5]) == "" {
			t.Errorf("%s: the page does not say what it means and what to do about it", found[1])
		}
	}
	slices.Sort(told)
	slices.Sort(have)
	for _, one := range have {
		if !slices.Contains(told, one) {
			t.Errorf("docs/metrics.md lacks a row: %s", one)
		}
	}
	for _, one := range told {
		if !slices.Contains(have, one) {
			t.Errorf("docs/metrics.md has a row for what there is not: %s", one)
		}
	}
}

// line is a metric as its row says: name, type, labels.
func line(family *dto.MetricFamily) string {
	var labels []string
	for _, pair := range family.GetMetric()[0].GetLabel() {
		labels = append(labels, pair.GetName())
	}
	slices.Sort(labels)
	return family.GetName() + " " + strings.ToLower(family.GetType().String()) + " " + strings.Join(labels, ",")
}

func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	t.Parallel()
	registry := busy(t)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "contactsync_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	// The linter itself must be able to find something.
	if got, err := promlint.New(strings.NewReader("# TYPE contactsync_badTotal counter\ncontactsync_badTotal 1\n")).Lint(); err != nil || len(got) == 0 {
		t.Errorf("promlint finds nothing wrong with contactsync_badTotal: %v", err)
	}
}
