package ops_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/ops"
)

// workersDesk is the desk of a worker's on a database.
func workersStore(t *testing.T, url string) *ops.Store {
	t.Helper()
	return ops.New(storePool(t, pgtest.AsWorker(t, url)), onContacts)
}

func storePool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := database.NewPool(t.Context(), url, "test", 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// id is the id of the contact with a number.
func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func ids(rows []ops.ContactDetail) (list []string) {
	for _, r := range rows {
		list = append(list, r.ID)
	}
	return list
}

const numbered = `INSERT INTO contacts (id, email, name, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, hubspot_contact_id)
	SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'c' || i || '@example.org', 'Name ' || i,
	       %s FROM generate_series(1, %d) i`

// Forth and back through a list every contact is met once, in order.
func TestListBothWays(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, fmt.Sprintf(numbered, "'Error', 'Error', 'INVALID_EMAIL', NULL", 120))
	d := workersStore(t, url)
	for _, f := range []ops.Filter{{}, {Status: "Error"}, {Status: "Error", Code: "INVALID_EMAIL"}, {Text: "name"}, {Code: "INVALID_EMAIL"}} {
		var forth, back []string
		at := ops.Cursor{}
		for range 3 {
			page, err := d.List(t.Context(), f, at)
			if err != nil {
				t.Fatal(err)
			}
			forth = append(forth, ids(page.Rows)...)
			at = ops.Cursor{ID: page.After}
		}
		if at.ID != "" {
			t.Errorf("%+v: a fourth page after %s", f, at.ID)
		}
		at = ops.Cursor{Back: true}
		for range 3 {
			page, err := d.List(t.Context(), f, at)
			if err != nil {
				t.Fatal(err)
			}
			back = append(ids(page.Rows), back...)
			at = ops.Cursor{ID: page.Before, Back: true}
		}
		if len(forth) != 120 || !slices.IsSorted(forth) || !slices.Equal(forth, back) {
			t.Errorf("%+v: %d forth, %d back", f, len(forth), len(back))
		}
	}
	page, err := d.List(t.Context(), ops.Filter{Status: "Error"}, ops.Cursor{})
	if err != nil || page.Count != 120 || page.Before != "" {
		t.Errorf("counts %d, before %q, %v", page.Count, page.Before, err)
	}
}

func TestListFinds(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url,
		fmt.Sprintf(numbered, "'Complete', 'Complete', NULL, '77' || i", 30),
		`UPDATE contacts SET hubspot_sync_status = 'Skipped', hubspot_processing_status = NULL WHERE email = 'c7@example.org'`,
		`UPDATE contacts SET hubspot_processing_status = 'Queued', name = '100% _sure' WHERE email = 'c8@example.org'`)
	d := workersStore(t, url)
	for name, tt := range map[string]struct {
		filter ops.Filter
		want   []string
	}{
		"an id":                           {ops.Filter{Text: " " + id(3)}, []string{id(3)}},
		"an id of another status":         {ops.Filter{Text: id(3), Status: "Error"}, nil},
		"a whole email":                   {ops.Filter{Text: "C3@example.org"}, []string{id(3)}},
		"a part of an email":              {ops.Filter{Text: "C3@ex"}, []string{id(3)}},
		"a part of a hidden one":          {ops.Filter{Text: "c3@ex", Hidden: true}, nil},
		"a hidden one's domain":           {ops.Filter{Text: "example", Hidden: true}, nil},
		"a whole hidden one":              {ops.Filter{Text: "c3@example.org", Hidden: true}, []string{id(3)}},
		"a name":                          {ops.Filter{Text: "name 30"}, []string{id(30)}},
		"HubSpot's id":                    {ops.Filter{Text: "7725"}, []string{id(25)}},
		"no pattern":                      {ops.Filter{Text: "0% _"}, []string{id(8)}},
		"queued":                          {ops.Filter{Status: "Queued"}, []string{id(8)}},
		"queued, with a text":             {ops.Filter{Status: "Queued", Text: "SURE"}, []string{id(8)}},
		"skipped":                         {ops.Filter{Mirror: "Skipped"}, []string{id(7)}},
		"in work":                         {ops.Filter{Status: "Processing"}, nil},
		"a quote, which is text as well":  {ops.Filter{Text: `'; DROP TABLE contacts; --`}, nil},
		"selected, of which there is one": {ops.Filter{Mirror: "Selected"}, nil},
	} {
		page, err := d.List(t.Context(), tt.filter, ops.Cursor{})
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(page.Rows); !slices.Equal(got, tt.want) || page.Cut || page.After != "" {
			t.Errorf("%s: %v, want %v (%+v)", name, got, tt.want, page)
		}
	}
}

func TestDetailAndFailures(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url,
		fmt.Sprintf(numbered, "'Error', 'Error', CASE WHEN i < 3 THEN 'TIMEOUT' ELSE 'NO_EMAIL' END, NULL", 9),
		`SET contactsync.worker = 'on'; UPDATE contacts SET next_retry_at = 'infinity', hubspot_processing_status = 'Queued', hubspot_error_code = 'TIMEOUT' WHERE name = 'Name 9'`,
		fmt.Sprintf(`INSERT INTO contactsync.failures (contact_id, destination, attempt, code, http_status, message, correlation_id)
			SELECT '%s', 'hubspot', i, 'TIMEOUT', 504, 'slow', 'abc' FROM generate_series(1, 5) i`, id(1)),
		fmt.Sprintf(`INSERT INTO contactsync.claims (contact_id, destination, slot, cycle) VALUES ('%s', 'hubspot', 0, 1)`, id(1)))
	d := workersStore(t, url)
	card, attempts, err := d.Detail(t.Context(), id(1), 3)
	if err != nil || card.Email != "c1@example.org" || card.ClaimedAt == nil || card.Contact().Name != "Name 1" {
		t.Errorf("%+v, %v", card, err)
	}
	if len(attempts) != 3 || attempts[0].Attempt != 5 || attempts[0].CorrelationID != "abc" || attempts[0].Code != contact.CodeTimeout {
		t.Errorf("%+v", attempts)
	}
	for _, nobody := range []string{id(99), "nonsense", ""} {
		if _, _, err := d.Detail(t.Context(), nobody, 3); !errors.Is(err, ops.ErrNoContact) {
			t.Errorf("%q: %v", nobody, err)
		}
	}
	attempts, err = d.Attempts(t.Context(), 100)
	if err != nil || len(attempts) != 5 || attempts[0].Email != "c1@example.org" {
		t.Errorf("%+v, %v", attempts, err)
	}
	want := []ops.CodeCount{{Code: contact.CodeNoEmail, Error: 6}, {Code: contact.CodeTimeout, Error: 2, Waiting: 1}}
	for _, bound := range []int64{0, ops.MostShown + 1} {
		if counts, err := d.FailuresByCode(t.Context(), bound); err != nil || !slices.Equal(counts, want) {
			t.Errorf("%+v, %v, want %+v", counts, err, want)
		}
	}
	pgtest.Exec(t, url, `UPDATE contacts SET hubspot_error_code = NULL, hubspot_processing_error = 'of another program' WHERE name = 'Name 1'`)
	counts, err := d.FailuresByCode(t.Context(), 4)
	if err != nil || len(counts) != 3 || counts[0].Error != 4 || counts[1].Code != contact.CodeTimeout ||
		counts[2].Code != contact.CodeOther || counts[2].Error != 1 || *counts[2].Example != "of another program" {
		t.Errorf("up to 4 of each: %+v, %v", counts, err)
	}
}
