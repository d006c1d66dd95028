package schema_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/rowsecurity"
	"github.com/scrapersky/contactsync/internal/schema"
)

// What is hidden from whom, by every kind of policy. What the answer "nothing" promises
// is tried: the role then writes a row that it must see for that.
func TestWhatRowSecurityHides(t *testing.T) {
	t.Parallel()
	const enable = "ALTER TABLE contacts ENABLE ROW LEVEL SECURITY; "
	tests := map[string]struct {
		sql  string // with @role for the role
		want string // a part of what is said; "" for nothing is hidden
		sees int    // of two rows, how many it can write
	}{
		"off":                      {"SELECT 1", "", 2},
		"no policy":                {enable, "hides every row of public.contacts", 0},
		"a policy for others":      {enable + "CREATE POLICY p ON contacts TO pg_monitor USING (true)", "hides every row", 0},
		"for everybody":            {enable + "CREATE POLICY p ON contacts USING (true)", "", 2},
		"for the role":             {enable + "CREATE POLICY p ON contacts TO @role USING (true) WITH CHECK (true)", "", 2},
		"by a group":               {enable + "CREATE POLICY p ON contacts TO pg_monitor USING (true); GRANT pg_monitor TO @role", "", 2},
		"to look alone":            {enable + "CREATE POLICY p ON contacts FOR SELECT USING (true)", "hides every row", 0},
		"two policies":             {enable + "CREATE POLICY p ON contacts FOR SELECT USING (true); CREATE POLICY q ON contacts FOR UPDATE USING (true)", "", 2},
		"a part":                   {enable + "CREATE POLICY p ON contacts USING (name = 'one')", "may hide rows", 1},
		"a part, and all":          {enable + "CREATE POLICY p ON contacts USING (name = 'one'); CREATE POLICY q ON contacts USING (true)", "", 2},
		"none, in words":           {enable + "CREATE POLICY p ON contacts USING (false)", "hides every row", 0},
		"a restrictive one alone":  {enable + "CREATE POLICY r ON contacts AS RESTRICTIVE USING (true)", "hides every row", 0},
		"a restrictive one":        {enable + "CREATE POLICY p ON contacts USING (true); CREATE POLICY r ON contacts AS RESTRICTIVE USING (name = 'one')", "may hide rows of public.contacts from role @role (restrictive policy r)", 1},
		"a restrictive one, true":  {enable + "CREATE POLICY p ON contacts USING (true); CREATE POLICY r ON contacts AS RESTRICTIVE USING (true)", "", 2},
		"a restrictive check":      {enable + "CREATE POLICY p ON contacts USING (true); CREATE POLICY r ON contacts AS RESTRICTIVE FOR INSERT WITH CHECK (name = 'one')", "", 2},
		"BYPASSRLS":                {enable + "ALTER ROLE @role BYPASSRLS", "", 2},
		"a superuser":              {enable + "ALTER ROLE @role SUPERUSER", "", 2},
		"the owner":                {enable + "ALTER TABLE contacts OWNER TO @role", "", 2},
		"the owner, forced":        {enable + "ALTER TABLE contacts OWNER TO @role; ALTER TABLE contacts FORCE ROW LEVEL SECURITY", "hides every row", 0},
		"forced, and not enabled":  {"ALTER TABLE contacts OWNER TO @role; ALTER TABLE contacts FORCE ROW LEVEL SECURITY", "", 2},
		"a check that may refuse":  {enable + "CREATE POLICY p ON contacts USING (true) WITH CHECK (name = 'one')", "may hide", -1},
		"a table of ours, hidden":  {"ALTER TABLE contactsync.claims ENABLE ROW LEVEL SECURITY", "hides every row of contactsync.claims", 2},
		"a table of ours, let see": {"ALTER TABLE contactsync.claims ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON contactsync.claims FOR SELECT USING (true)", "hides every row of contactsync.claims", 2},
		"a table of ours, open":    {"ALTER TABLE contactsync.claims ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON contactsync.claims USING (true)", "", 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			role, worker := pgtest.Role(t, db)
			if err := schema.Grant(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, db, "INSERT INTO contacts (name) VALUES ('one'), ('two')", strings.ReplaceAll(test.sql, "@role", role))
			hidden, err := schema.Hidden(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := rowsecurity.Words(hidden), strings.ReplaceAll(test.want, "@role", role); (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("%q is hidden, want %q", got, want)
			}
			if test.sees >= 0 {
				if n := writes(t, worker); n != test.sees {
					t.Errorf("the role can write %d rows, want %d: the test is void", n, test.sees)
				}
			}
			// What is printed makes it see everything.
			pgtest.Exec(t, db, rowsecurity.SQL(hidden)...)
			if left, err := schema.Hidden(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil || len(left) > 0 {
				t.Errorf("after the remedy: %v, %v", left, err)
			}
			if n := writes(t, worker); n != 2 {
				t.Errorf("after the remedy the role can write %d of 2 rows", n)
			}
			if _, err := pgtest.Connect(t, worker).Exec(t.Context(), `INSERT INTO contactsync.claims (contact_id, destination, slot, cycle) SELECT id, 'x', 0, 1 FROM contacts;
				UPDATE contactsync.claims SET slot = 1; DELETE FROM contactsync.claims`, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Errorf("after the remedy: %v", err)
			}
		})
	}
}

// writes is how many contacts a role can lock and write.
func writes(t *testing.T, url string) int {
	t.Helper()
	return pgtest.Value[int](t, url, `WITH locked AS MATERIALIZED (SELECT id FROM contacts FOR NO KEY UPDATE),
		written AS (UPDATE contacts c SET retry_count = 0 FROM locked l WHERE c.id = l.id RETURNING c.id) SELECT count(*)::int FROM written`)
}

// Rows are reached by their parent: what its partitions and children secure is without
// effect.
func TestRowSecurityOfPartitions(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.Empty(t)
	pgtest.Exec(t, db, "CREATE TABLE contacts (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)",
		"CREATE TABLE p1 PARTITION OF contacts FOR VALUES FROM (0) TO (100)", "INSERT INTO contacts VALUES (1, 'one'), (2, 'two')")
	up(t, db)
	role, worker := pgtest.Role(t, db)
	if err := schema.Grant(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, db, "ALTER TABLE p1 ENABLE ROW LEVEL SECURITY")
	if hidden, err := schema.Hidden(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil || len(hidden) > 0 || writes(t, worker) != 2 {
		t.Errorf("a secured partition hides %v, %v", hidden, err)
	}
	pgtest.Exec(t, db, "ALTER TABLE contacts ENABLE ROW LEVEL SECURITY")
	if hidden, err := schema.Hidden(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil || len(hidden) != 1 || writes(t, worker) != 0 {
		t.Errorf("a secured parent hides %v, %v", hidden, err)
	}
}

// Policies are made when they are asked for, also twice, and for names of any length.
func TestAddPolicies(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role, worker := pgtest.Role(t, db)
	pgtest.Exec(t, db, "ALTER TABLE contacts ENABLE ROW LEVEL SECURITY", "ALTER TABLE contactsync.claims ENABLE ROW LEVEL SECURITY",
		"INSERT INTO contacts (name) VALUES ('one'), ('two')")
	for _, rights := range []schema.Rights{schema.Reader, schema.Worker} {
		if err := schema.Grant(t.Context(), db, hubspotAlone, role, rights, logger(t)); err != nil {
			t.Fatal(err)
		}
	}
	if n := pgtest.Value[int](t, db, "SELECT count(*)::int FROM pg_policy"); n != 0 {
		t.Errorf("%d policies were made unasked", n)
	}
	for i, rights := range []schema.Rights{schema.Reader, schema.Worker, schema.Worker} {
		ran, err := schema.AddPolicies(t.Context(), db, hubspotAlone, role, rights, logger(t))
		if err != nil {
			t.Fatal(err)
		}
		if (len(ran) > 0) != (i < 2) {
			t.Errorf("run %d made %q", i, ran)
		}
	}
	if n := writes(t, worker); n != 2 {
		t.Errorf("the role can write %d of 2 rows", n)
	}
	for _, statement := range []string{"DELETE FROM contacts", "INSERT INTO contacts (name) VALUES ('x')"} {
		denied(t, worker, statement)
	}
}

// What a restrictive policy hides is left to people, who are told what each way reaches.
// The better one lets the role see every row.
func TestAddPoliciesLeavesRestrictiveOnes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role, worker := pgtest.Role(t, db)
	if err := schema.Grant(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, db, "INSERT INTO contacts (name) VALUES ('one'), ('two')", "ALTER TABLE contacts ENABLE ROW LEVEL SECURITY", "ALTER TABLE contactsync.claims ENABLE ROW LEVEL SECURITY",
		"CREATE POLICY p ON contacts USING (true)", "CREATE POLICY r ON contacts AS RESTRICTIVE USING (name = 'one')")
	ran, err := schema.AddPolicies(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t))
	if err != nil || len(ran) != 1 || !strings.HasPrefix(ran[0], "CREATE POLICY") || !strings.Contains(ran[0], "contactsync.claims") {
		t.Errorf("made %q, %v, want the policy of contactsync.claims alone", ran, err)
	}
	if pgtest.Value[bool](t, db, "SELECT rolbypassrls FROM pg_roles WHERE rolname = $1", role) || writes(t, worker) != 1 {
		t.Error("the restrictive policy is got round")
	}
	hidden, err := schema.Hidden(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	if told := strings.Join(rowsecurity.SQL(hidden), " "); !strings.Contains(told, "BYPASSRLS reaches beyond this table") || !strings.Contains(told, "amend the restrictive policy, to (...) OR current_user = 'role'") {
		t.Errorf("people are told %s", told)
	}
	pgtest.Exec(t, db, "ALTER POLICY r ON contacts USING ((name = 'one') OR current_user = '"+role+"')")
	if n := writes(t, worker); n != 2 {
		t.Errorf("with the policy amended the role can write %d of 2 rows", n)
	}
}

// The text for psql does the same.
func TestPoliciesText(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role, worker := pgtest.Role(t, db)
	if err := schema.Grant(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, db, "INSERT INTO contacts (name) VALUES ('one'), ('two')", schema.PoliciesText(role, schema.Worker, hubspotAlone),
		"ALTER TABLE contacts ENABLE ROW LEVEL SECURITY")
	if n := writes(t, worker); n != 2 {
		t.Errorf("the role can write %d of 2 rows", n)
	}
}

// Row security on everything, as some hosts put it: what is recorded is hidden, and the
// database must not be taken for one that was never migrated.
func TestRowSecurityOnOurTables(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	worker := grant(t, db, schema.Worker)
	pgtest.Exec(t, db, `DO $$ DECLARE t text; BEGIN
		FOR t IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'contactsync'::regnamespace AND relkind = 'r' LOOP
			EXECUTE 'ALTER TABLE ' || t || ' ENABLE ROW LEVEL SECURITY';
		END LOOP; END $$`)
	err := check(t, worker)
	unsuitable(t, err, "row security is on for contactsync's own tables", "ALTER TABLE contactsync.installed DISABLE ROW LEVEL SECURITY;")
	if err := check(t, db); err != nil {
		t.Errorf("for the owner: %v", err)
	}
	pgtest.Exec(t, db, remedies(t, err)...)
	if err := check(t, worker); err != nil {
		t.Errorf("after the remedy: %v", err)
	}
	if _, err := pgtest.Connect(t, worker).Exec(t.Context(), "INSERT INTO contactsync.holds (destination, who) VALUES ('x', 'y')"); err != nil {
		t.Errorf("after the remedy: %v", err)
	}
}

// Readers of the view are told that its counts mean nothing.
func TestTheViewSaysWhatIsHidden(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role, reader := pgtest.Role(t, db)
	if err := schema.Grant(t.Context(), db, hubspotAlone, role, schema.Reader, logger(t)); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, db, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')")
	const query = "SELECT concat_ws(': ', queued, hidden) FROM contactsync.status"
	if got := pgtest.Value[string](t, reader, query); got != "1" {
		t.Errorf("got %q", got)
	}
	pgtest.Exec(t, db, "ALTER TABLE contacts ENABLE ROW LEVEL SECURITY")
	if got, want := pgtest.Value[string](t, reader, query), "0: row security hides every row of public.contacts from role "+role; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := pgtest.Value[string](t, db, query); got != "1" {
		t.Errorf("the owner is told %q", got)
	}
	// Whoever sees everything is told of a leader that does not.
	if _, err := pgtest.Connect(t, reader).Exec(t.Context(), "SELECT pg_advisory_lock(1668507251, 100)"); err != nil {
		t.Fatal(err)
	}
	if got := pgtest.Value[string](t, db, query); !strings.Contains(got, "from role "+role) {
		t.Errorf("of a leader that sees nothing the owner is told %q", got)
	}
}

// A table that looks empty to its owner is not dropped for that.
func TestDownDropsNothingThatItCannotSee(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.Empty(t)
	role, owner := pgtest.Role(t, db)
	pgtest.Exec(t, db, "GRANT CREATE ON DATABASE "+pgx.Identifier{pgtest.Value[string](t, db, "SELECT current_database()::text")}.Sanitize()+" TO "+role,
		"GRANT CREATE ON SCHEMA public TO "+role)
	up(t, owner)
	pgtest.Exec(t, db, "INSERT INTO contacts (name) VALUES ('one')", "ALTER TABLE contacts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
	_, err := schema.Down(t.Context(), owner, hubspotAlone, true, logger(t))
	unsuitable(t, err, "row security hides from this role whether public.contacts holds contacts", "FORCE again afterwards")
	pgtest.Exec(t, owner, remedies(t, err)...)
	_, err = schema.Down(t.Context(), owner, hubspotAlone, true, logger(t))
	unsuitable(t, err, "holds contacts")
	if n := pgtest.Value[int](t, db, "SELECT count(*)::int FROM contacts"); n != 1 {
		t.Errorf("%d contacts are left, want 1", n)
	}
}

// A login that becomes another role sees what that one sees.
func TestALoginThatBecomesTheWorker(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	role, _ := pgtest.Role(t, db)
	login, url := pgtest.Role(t, db)
	if err := schema.Grant(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, db, "GRANT "+role+" TO "+login, "ALTER ROLE "+login+" NOINHERIT", "ALTER ROLE "+login+" SET role = "+role, "ALTER TABLE contacts ENABLE ROW LEVEL SECURITY")
	if _, err := pgtest.Connect(t, url).Exec(t.Context(), "SELECT pg_advisory_lock(1668507251, 100)"); err != nil {
		t.Fatal(err)
	}
	const query = "SELECT coalesce(hidden, 'nothing') FROM contactsync.status"
	if got := pgtest.Value[string](t, db, query); !strings.Contains(got, "from role "+role) {
		t.Errorf("hidden: %s, want it from role %s", got, role)
	}
	if _, err := schema.AddPolicies(t.Context(), db, hubspotAlone, role, schema.Worker, logger(t)); err != nil {
		t.Fatal(err)
	}
	if got := pgtest.Value[string](t, db, query); got != "nothing" {
		t.Errorf("hidden: %s, want nothing", got)
	}
	if hidden, err := rowsecurity.From(t.Context(), pgtest.Connect(t, url), "", true); err != nil || len(hidden) > 0 {
		t.Errorf("from the login itself is hidden %v, %v", hidden, err)
	}
}
