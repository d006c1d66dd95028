package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// dashboard is what is looked at of Grafana's model of a dashboard.
type dashboard struct {
	UID           string `json:"uid"`
	Title         string `json:"title"`
	SchemaVersion int    `json:"schemaVersion"`
	Panels        []struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct {
			Expr  string `json:"expr"`
			RefID string `json:"refId"`
		} `json:"targets"`
	} `json:"panels"`
}

var aMetric = regexp.MustCompile(`contactsync_[a-z0-9_]+`)

// documented are the metrics of docs/metrics.md, which a test there compares with
// what is served, with the names that histograms have in queries.
func documented(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(contactsync_[a-z0-9_]+)` \\| ([a-z]+) ").FindAllStringSubmatch(string(page), -1) {
		names[row[1]] = true
		if row[2] == "histogram" {
			names[row[1]+"_bucket"], names[row[1]+"_sum"], names[row[1]+"_count"] = true, true, true
		}
	}
	return names
}

func wantDocumented(t *testing.T, where, text string) {
	t.Helper()
	names := documented(t)
	for _, name := range aMetric.FindAllString(text, -1) {
		if !names[name] {
			t.Errorf("%s asks for %s, which docs/metrics.md does not have", where, name)
		}
	}
}

// promtool runs Prometheus's own checker.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path := needs.Program(t, needs.Promtool)
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// The alerts fire when they should and only then; what they ask for is served, and
// where they send people there is something to read.
func TestAlerts(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	text, err := os.ReadFile("prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	wantDocumented(t, "alerts.yml", string(text))
	runbook, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(runbook), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	rules := strings.Split(string(text), "- alert: ")[1:]
	for _, rule := range rules {
		name, _, _ := strings.Cut(rule, "\n")
		anchor := regexp.MustCompile(`runbook: docs/runbook\.md#(\S+)`).FindStringSubmatch(rule)
		if anchor == nil || !anchors[anchor[1]] {
			t.Errorf("%s: the runbook has no such heading: %q", name, anchor)
		}
		if !strings.Contains(rule, "summary: ") || !strings.Contains(rule, "action: ") {
			t.Errorf("%s does not say what happened and what to do", name)
		}
	}
	if len(rules) < 15 {
		t.Errorf("%d alerts", len(rules))
	}
	promtool(t, "test", "rules", "prometheus/alerts_test.yml") // last: it may be missing
}

// The dashboard is one that Grafana can place, and every query in it is one that
// Prometheus can answer, of metrics that are served.
func TestDashboard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("grafana/contactsync.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 || len(d.Panels) == 0 {
		t.Errorf("not a dashboard: %+v", d)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q has the id of another, or no title, description or query", p.ID, p.Title)
		}
		ids[p.ID] = true
		if at := p.GridPos; at.X < 0 || at.W < 1 || at.X+at.W > 24 || at.H < 1 {
			t.Errorf("%s is not within the 24 columns: %+v", p.Title, at)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				place := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, both := taken[place]; both {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[place] = p.Title
			}
		}
		refs := map[string]bool{}
		for i, target := range p.Targets {
			if refs[target.RefID] || target.RefID == "" {
				t.Errorf("%s: two queries are called %q", p.Title, target.RefID)
			}
			refs[target.RefID] = true
			wantDocumented(t, p.Title, target.Expr)
			expr := strings.NewReplacer("$__rate_interval", "1m", "$job", "contactsync").Replace(target.Expr)
			fmt.Fprintf(&rules, "      - {record: 'dashboard:%d_%d', expr: '%s'}\n", p.ID, i, strings.ReplaceAll(expr, "'", "''"))
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}
