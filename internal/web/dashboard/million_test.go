package dashboard_test

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// A million contacts: no page reads more than its part of them, and a search that
// would have to says how far it came. (CONTACTSYNC_MEASURE; else 60,000, which are
// three windows of the search.)
func TestMillion(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	rows := 60_000
	if progtest.Measuring() {
		rows = 1_000_000
	}
	url := pgtest.New(t)
	conn := pgtest.Connect(t, url)
	if _, err := conn.Exec(t.Context(), `INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, next_retry_at)
		SELECT 'c' || i || '@example.org', 'Name ' || i,
		       CASE i % 4 WHEN 0 THEN 'Error' WHEN 1 THEN 'Complete' WHEN 2 THEN 'Queued' ELSE 'New' END,
		       CASE i % 4 WHEN 0 THEN 'Error' WHEN 1 THEN 'Complete' WHEN 2 THEN 'Queued' END,
		       CASE i % 4 WHEN 0 THEN 'TIMEOUT' END, CASE WHEN i % 8 = 2 THEN now() + interval '1 hour' END
		  FROM generate_series(1, $1::int) i`, rows); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, `VACUUM ANALYZE contacts`)
	d := board(t, pgtest.AsWorker(t, url), nil)
	for _, path := range []string{
		"/", "/contacts", "/contacts?end=1", "/contacts?status=Error", "/contacts?status=Error&code=TIMEOUT", "/contacts?status=Error&code=NO_EMAIL",
		"/contacts?status=Queued", "/contacts?status=Processing", "/contacts?status=Complete", "/contacts?status=Skipped", "/contacts?code=NO_EMAIL",
		"/contacts?q=c777@example.org", "/contacts?q=Name+59999", "/contacts?q=nobody", "/contacts?q=nobody&status=Error", "/contacts?q=nobody@example.org",
		"/contacts?after=80000000-0000-0000-0000-000000000000", "/contacts?before=80000000-0000-0000-0000-000000000000&q=nobody", "/failures",
	} {
		began := time.Now()
		w := answer(d, local(t, http.MethodGet, path))
		took := time.Since(began)
		cut := ""
		if strings.Contains(w.Body.String(), "The search was stopped") {
			cut = ", and says that it was cut"
		}
		t.Logf("%8v %s%s", took.Round(time.Millisecond), path, cut)
		if w.Code != http.StatusOK {
			t.Errorf("%s is answered %d:\n%s", path, w.Code, w.Body)
		}
	}
	if got := answer(d, local(t, http.MethodGet, "/contacts?status=Error")).Body.String(); !strings.Contains(got, "10,000&#43; in all") {
		t.Error("the count has no bound")
	}
	for path, email := range map[string]string{"/contacts?q=c777@example.org": "c777@example.org", "/contacts?q=Name+59999": "c59999@example.org"} {
		// What is far away is found by going on from where the search was cut.
		for {
			page := answer(d, local(t, http.MethodGet, path)).Body.String()
			if strings.Contains(page, email) {
				break
			}
			_, rest, more := strings.Cut(page, `Go on from there`)
			link := strings.LastIndex(page[:len(page)-len(rest)], `href="`)
			if !more || link < 0 {
				t.Fatalf("%s does not find %s:\n%s", path, email, page)
			}
			path, _, _ = strings.Cut(page[link+len(`href="`):], `"`)
			path = html.UnescapeString(path)
		}
	}
}
