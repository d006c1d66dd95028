package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// Constraints of every kind that do not let through what contactsync writes. What is
// printed makes the table usable; with the constraint, what contactsync writes is refused.
func TestConstraintsAreTried(t *testing.T) {
	t.Parallel()
	const (
		settle = "UPDATE contacts SET hubspot_processing_status = 'Processing', hubspot_sync_status = 'Processing'"
		fail   = "UPDATE contacts SET hubspot_processing_status = 'Error', hubspot_sync_status = 'Error', hubspot_processing_error = repeat('x', 500), hubspot_error_code = 'PROPERTY_MISSING', retry_count = 3, last_failed_crm = 'hubspot'"
		done   = "UPDATE contacts SET hubspot_processing_status = 'Complete', hubspot_processing_error = NULL, hubspot_contact_id = '12345678901'"
	)
	const status = "CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, name text, hubspot_processing_status text"
	tests := map[string]struct {
		table  []string
		says   []string // nil: it is fine
		writes string   // what the constraint refuses
	}{
		"a list without our values": {
			[]string{status + " CHECK (hubspot_processing_status IN ('New', 'Queued', 'Done', 'Failed')))"},
			[]string{"constraint contacts_hubspot_processing_status_check of public.contacts refuses hubspot_processing_status = 'Processing'", "ALTER TABLE public.contacts DROP CONSTRAINT contacts_hubspot_processing_status_check;"},
			settle,
		},
		"a list with them":         {[]string{status + " CHECK (hubspot_processing_status IN ('Queued', 'Processing', 'Complete', 'Error', 'Other')))"}, nil, ""},
		"a name that needs quotes": {[]string{status + ` CONSTRAINT "The List" CHECK (hubspot_processing_status = 'Queued'))`}, []string{`constraint "The List" of`, `DROP CONSTRAINT "The List";`}, settle},
		"not valid yet": {
			[]string{status + ")", "ALTER TABLE contacts ADD CONSTRAINT c CHECK (hubspot_processing_status <> 'Error') NOT VALID"},
			[]string{"constraint c of"},
			fail,
		},
		"errors of some length": {
			[]string{status + ", hubspot_processing_error text CHECK (length(hubspot_processing_error) < 255))"},
			[]string{"contacts_hubspot_processing_error_check", "hubspot_processing_error = 500 characters"},
			fail,
		},
		"few tries":    {[]string{status + ", retry_count int CHECK (retry_count < 3))"}, []string{"retry_count = 3"}, fail},
		"another crm":  {[]string{status + ", last_failed_crm text CHECK (last_failed_crm IN ('HubSpot', 'Brevo')))"}, []string{"last_failed_crm = 'hubspot'"}, fail},
		"two together": {[]string{status + ", hubspot_sync_status text, CHECK (hubspot_sync_status <> hubspot_processing_status))"}, []string{"hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued'"}, settle},
		"a capital":    {[]string{status + " CHECK (hubspot_processing_status IN ('QUEUED', 'PROCESSING', 'COMPLETE', 'ERROR')))"}, []string{"the app writes other words than contactsync reads and writes"}, settle},
		"a domain":     {[]string{"CREATE DOMAIN work AS text CONSTRAINT known CHECK (VALUE IN ('Queued', 'Done'))", "CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, name text, hubspot_processing_status work)"}, []string{"domain work of column hubspot_processing_status refuses", "'Processing'", "ALTER DOMAIN work DROP CONSTRAINT known;"}, settle},
		"a domain that is not null": {
			[]string{"CREATE DOMAIN words AS text NOT NULL", status + ", hubspot_processing_error words DEFAULT '')"},
			[]string{"domain words of column hubspot_processing_error refuses hubspot_processing_error = NULL", "ALTER DOMAIN words DROP NOT NULL;"},
			done,
		},
		"generated and not null": {
			[]string{status + ", rank int NOT NULL GENERATED ALWAYS AS (CASE hubspot_processing_status WHEN 'Queued' THEN 1 WHEN 'Done' THEN 2 END) STORED)"},
			[]string{"column rank of public.contacts is NOT NULL and GENERATED", "ALTER TABLE public.contacts ALTER COLUMN rank DROP NOT NULL;"},
			settle,
		},
		"generated, and fine": {[]string{status + ", rank int NOT NULL GENERATED ALWAYS AS (CASE hubspot_processing_status WHEN 'Queued' THEN 1 ELSE 2 END) STORED)"}, nil, ""},
		"a table of values": {
			[]string{"CREATE TABLE states (name text PRIMARY KEY)", "INSERT INTO states VALUES ('Queued'), ('Complete'), ('Error')", status + " REFERENCES states)"},
			[]string{"lets column hubspot_processing_status hold only what is in public.states, where 'Processing' is missing", "INSERT INTO public.states (name) VALUES ('Processing');"},
			settle,
		},
		"partitions by state": {
			[]string{
				"CREATE TABLE contacts (id uuid DEFAULT gen_random_uuid(), email text, name text, hubspot_processing_status text DEFAULT 'Queued', PRIMARY KEY (id, hubspot_processing_status)) PARTITION BY LIST (hubspot_processing_status)",
				"CREATE TABLE waiting PARTITION OF contacts FOR VALUES IN ('Queued')", "CREATE TABLE done PARTITION OF contacts FOR VALUES IN ('Complete', 'Error')",
			},
			[]string{"no partition of public.contacts (by LIST (hubspot_processing_status)) takes hubspot_processing_status = 'Processing'", "CREATE TABLE contacts_rest PARTITION OF public.contacts DEFAULT;"},
			settle,
		},
		"partitions by another column": {[]string{"CREATE TABLE contacts (id int PRIMARY KEY, email text, name text) PARTITION BY RANGE (id)", "CREATE TABLE few PARTITION OF contacts FOR VALUES FROM (0) TO (10)"}, nil, ""},
		"a child's own": {
			[]string{status + ")", "CREATE TABLE old (CONSTRAINT finished CHECK (hubspot_processing_status IN ('Queued', 'Complete'))) INHERITS (contacts)"},
			[]string{"constraint finished of public.old refuses"},
			"",
		},
		"with the app's columns, never":     {[]string{status + ", CONSTRAINT owned CHECK (hubspot_processing_status <> 'Processing' OR owner IS NOT NULL), owner text)", "INSERT INTO contacts (name) VALUES ('a'), ('b')"}, []string{"constraint owned of"}, settle},
		"with the app's columns, sometimes": {[]string{status + ", CONSTRAINT owned CHECK (hubspot_processing_status <> 'Processing' OR owner IS NOT NULL), owner text)", "INSERT INTO contacts (owner) VALUES ('a'), (NULL)"}, nil, ""},
		"with the app's columns alone":      {[]string{status + ", CHECK (email <> name))", "INSERT INTO contacts (email, name) VALUES ('a', 'b')"}, nil, ""},
		"with a function that writes": {
			[]string{"CREATE TABLE calls (n int)", "CREATE FUNCTION called(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO calls VALUES (1); RETURN false; END $$", status + " CHECK (called(hubspot_processing_status)))"},
			nil, "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, test.table...)
			pgtest.Exec(t, url, "CREATE TABLE before AS SELECT * FROM contacts")
			before := everythingThere(t, url)
			_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
			if test.says == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if name == "with the app's columns, never" {
				consent(t, err, test.says...)
			} else {
				unsuitable(t, err, test.says...)
			}
			leftNothing(t, url, before)
			if !pgtest.Value[bool](t, url, "SELECT NOT EXISTS (TABLE contacts EXCEPT TABLE before) AND NOT EXISTS (TABLE before EXCEPT TABLE contacts)") {
				t.Error("the rows of the app are others")
			}
			pgtest.Exec(t, url, statements(remedies(t, err))...)
			up(t, url)
			pgtest.Exec(t, url, "INSERT INTO contacts (name) VALUES ('x')", settle, fail, done)
		})
	}
	// The test is void where the constraint would let it through.
	for name, test := range tests {
		if test.writes == "" {
			continue
		}
		t.Run(name+", not tried", func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, test.table...)
			pgtest.Exec(t, url, `ALTER TABLE contacts ADD COLUMN IF NOT EXISTS hubspot_sync_status text, ADD COLUMN IF NOT EXISTS hubspot_processing_error text,
				ADD COLUMN IF NOT EXISTS hubspot_error_code text, ADD COLUMN IF NOT EXISTS retry_count int, ADD COLUMN IF NOT EXISTS last_failed_crm text, ADD COLUMN IF NOT EXISTS hubspot_contact_id text`)
			_, err := pgtest.Connect(t, url).Exec(t.Context(), "INSERT INTO contacts (name, hubspot_processing_status) VALUES ('x', 'Queued')")
			if err == nil {
				_, err = pgtest.Connect(t, url).Exec(t.Context(), test.writes)
			}
			if err == nil {
				t.Error("the table takes what contactsync writes")
			}
		})
	}
}

// An app whose words differ in case alone, as SQLAlchemy's Enum does.
func TestOtherWords(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, "CREATE TYPE work AS ENUM ('NEW', 'QUEUED', 'PROCESSING', 'COMPLETE')",
		"CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, name text, hubspot_processing_status work)",
		"INSERT INTO contacts (hubspot_processing_status) VALUES ('QUEUED')")
	before := everythingThere(t, url)
	_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
	unsuitable(t, err, "type work of column hubspot_processing_status has 'QUEUED', 'PROCESSING', 'COMPLETE'", "the app writes other words", "values_callable",
		"ALTER TYPE work RENAME VALUE 'QUEUED' TO 'Queued';", "ALTER TYPE work ADD VALUE 'Error';")
	if strings.Contains(err.Error(), "ADD VALUE 'Queued'") {
		t.Errorf("the remedy makes the app's own SELECT fail:\n%v", err)
	}
	leftNothing(t, url, before)
	pgtest.Exec(t, url, statements(remedies(t, err))...)
	up(t, url)
	if n := pgtest.Value[int](t, url, "SELECT queued::int FROM contactsync.status"); n != 1 {
		t.Errorf("%d queued, want 1", n)
	}
}

// The same where the column is text: the rows say so.
func TestOtherWordsInRows(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, "CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, name text, hubspot_processing_status text)",
		"INSERT INTO contacts (hubspot_processing_status) VALUES ('QUEUED'), ('complete'), ('Error'), (NULL), ('on hold'), ('LEGACY')")
	before := everythingThere(t, url)
	_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
	consent(t, err, "column hubspot_processing_status of public.contacts has 'QUEUED', 'complete'", "values_callable")
	leftNothing(t, url, before)
	pgtest.Exec(t, url, statements(remedies(t, err))...)
	up(t, url)
	if n := pgtest.Value[int](t, url, "SELECT queued::int FROM contactsync.status"); n != 1 {
		t.Errorf("%d queued, want 1", n)
	}
	const words = `SELECT string_agg(hubspot_processing_status, ', ' ORDER BY hubspot_processing_status COLLATE "C") FROM contacts`
	if got, want := pgtest.Value[string](t, url, words), "Complete, Error, LEGACY, Queued, on hold"; got != want {
		t.Errorf("the remedy leaves %q, want %q", got, want)
	}
}

// Columns that the app has under other names are not made anew, empty, without a word.
func TestLookalikes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		table string
		says  string // "": nothing is asked
	}{
		"mail, full_name": {"id bigint PRIMARY KEY, mail text, full_name text", "CONTACTS_COLUMNS=email:mail,name:full_name"},
		"camels":          {`id bigint PRIMARY KEY, "emailAddress" text, "displayName" text, "phoneNumber" text, "updatedAt" timestamp`, "CONTACTS_COLUMNS=email:emailAddress,name:displayName,phone_number:phoneNumber,updated_at:updatedAt"},
		"capitals":        {`id bigint PRIMARY KEY, "Email" text, "Name" text`, "CONTACTS_COLUMNS=email:Email,name:Name"},
		"halves":          {"id bigint PRIMARY KEY, email text, first_name text, last_name text", "STORED; -- rewrites the table under an exclusive lock"},
		"a phone":         {"id bigint PRIMARY KEY, email text, name text, phone text", "CONTACTS_COLUMNS=phone_number:phone"},
		"no time":         {"id bigint PRIMARY KEY, email text, name text, modified bool", ""},
		"both":            {"id bigint PRIMARY KEY, email text, mail text, name text, phone_number text, phone text", ""},
		"neither":         {"id bigint PRIMARY KEY, handle text", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, "CREATE TABLE contacts ("+test.table+")")
			before := everythingThere(t, url)
			_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
			if test.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			consent(t, err, test.says)
			leftNothing(t, url, before)
			// What it says is enough, and --yes is.
			o := hubspotAlone
			pgtest.Exec(t, url, statements(remedies(t, err))...)
			for _, remedy := range remedies(t, err) {
				if pairs, ok := strings.CutPrefix(remedy, "set CONTACTS_COLUMNS="); ok {
					o.Columns = map[string]string{}
					for pair := range strings.SplitSeq(pairs, ",") {
						ours, theirs, _ := strings.Cut(pair, ":")
						o.Columns[ours] = theirs
					}
				}
			}
			if _, err := schema.Up(t.Context(), url, o, logger(t)); err != nil {
				t.Errorf("after the remedy: %v", err)
			}
			if err := schema.Check(t.Context(), pgtest.Connect(t, url), o); err != nil {
				t.Errorf("after the remedy: %v", err)
			}
			other := pgtest.Empty(t)
			pgtest.Exec(t, other, "CREATE TABLE contacts ("+test.table+")")
			told := hubspotAlone
			told.Yes = true
			if _, err := schema.Up(t.Context(), other, told, logger(t)); err != nil {
				t.Errorf("with --yes: %v", err)
			}
		})
	}
}

// Nor one whose name differs in case alone.
func TestContactsInCapitals(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, `CREATE TABLE "Contacts" (id bigint PRIMARY KEY, email text, name text)`)
	before := everythingThere(t, url)
	_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
	unsuitable(t, err, `but there is public."Contacts"`, `set CONTACTS_TABLE=public."Contacts"`)
	if strings.Contains(err.Error(), "?search_path") {
		t.Errorf("search_path does not lead there:\n%v", err)
	}
	leftNothing(t, url, before)
	if _, err := schema.Up(t.Context(), url, named(`public."Contacts"`), logger(t)); err != nil {
		t.Error(err)
	}
}

// A second table of contacts is made only where that is wanted.
func TestContactsInAnotherSchema(t *testing.T) {
	t.Parallel()
	for name, schemaName := range map[string]string{"plain": "app", "quoted": "My App"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			quoted := pgtest.Value[string](t, url, "SELECT quote_ident($1)", schemaName)
			pgtest.Exec(t, url, "CREATE SCHEMA "+quoted, "CREATE TABLE "+quoted+".contacts (id bigint PRIMARY KEY, email text, name text)")
			before := everythingThere(t, url)
			_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
			unsuitable(t, err, "there is no table contacts in schema public, to which the database URL leads, but there is "+quoted+".contacts",
				"?search_path="+quoted, "CONTACTS_TABLE="+quoted+".contacts", "contactsync migrate up --create")
			leftNothing(t, url, before)

			o := hubspotAlone
			o.Table = quoted + ".contacts"
			if _, err := schema.Up(t.Context(), url, o, logger(t)); err != nil {
				t.Errorf("with CONTACTS_TABLE: %v", err)
			}
			if _, err := schema.Down(t.Context(), url, o, true, logger(t)); err != nil {
				t.Fatal(err)
			}
			up(t, url+"&search_path="+strings.ReplaceAll(quoted, " ", "%20"))
			down(t, url+"&search_path="+strings.ReplaceAll(quoted, " ", "%20"), true)
			leftNothing(t, url, before)

			o = hubspotAlone
			o.Create = true
			if _, err := schema.Up(t.Context(), url, o, logger(t)); err != nil {
				t.Errorf("with --create: %v", err)
			}
			if got := pgtest.Value[string](t, url, migratedTable); got != "public.contacts created" {
				t.Errorf("migrated %s", got)
			}
			up(t, url) // what was created once is not asked about again
		})
	}
}

// What is listed beforehand is what is there afterwards.
func TestDryRun(t *testing.T) {
	t.Parallel()
	for name, table := range map[string][]string{"an empty database": nil, "an app's table": wideTable()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, table...)
			before := everythingThere(t, url)
			o := hubspotAlone
			o.DryRun = true
			planned, err := schema.Up(t.Context(), url, o, logger(t))
			if err != nil || len(planned.Applied) > 0 {
				t.Fatalf("applied %q, %v", planned.Applied, err)
			}
			leftNothing(t, url, before)
			done := up(t, url)
			if !slices.Equal(planned.Plan, done.Plan) {
				t.Errorf("planned\n%q\ndone\n%q", planned.Plan, done.Plan)
			}
			var columns []string
			for _, thing := range everythingThere(t, url) {
				name, is := strings.CutPrefix(thing, "column contacts.")
				if is && !slices.Contains(before, thing) {
					columns = append(columns, strings.Fields(name)[0])
				}
			}
			for _, line := range planned.Plan {
				if name, is := strings.CutPrefix(line, "column "); is {
					columns = slices.DeleteFunc(columns, func(c string) bool { return c == strings.Fields(name)[0] })
				}
			}
			if len(columns) > 0 {
				t.Errorf("columns %q were not planned:\n%s", columns, strings.Join(planned.Plan, "\n"))
			}
			for _, want := range []string{"contactsync's own tables", "index contacts_contactsync_queued on public.contacts", "triggers on public.contacts", "views and functions"} {
				if !strings.Contains(strings.Join(planned.Plan, "\n"), want) {
					t.Errorf("%q is not planned:\n%s", want, strings.Join(planned.Plan, "\n"))
				}
			}
			if again := up(t, url); len(again.Plan) > 0 {
				t.Errorf("planned again: %q", again.Plan)
			}
		})
	}
}

// A role that could not end what it begins does not begin.
func TestRightsAreLookedAtFirst(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ grants, says string }{
		"not the owner":             {"GRANT CREATE ON DATABASE DB TO ROLE; GRANT CREATE ON SCHEMA app TO ROLE", "ownership of app.contacts"},
		"no schema of its own":      {"ALTER TABLE app.contacts OWNER TO ROLE; GRANT CREATE ON SCHEMA app TO ROLE", "CREATE on database"},
		"no indexes in the schema":  {"ALTER TABLE app.contacts OWNER TO ROLE; GRANT CREATE ON DATABASE DB TO ROLE", "CREATE on schema app, for the indexes"},
		"a schema made for another": {"ALTER TABLE app.contacts OWNER TO ROLE; GRANT CREATE ON SCHEMA app TO ROLE; CREATE SCHEMA contactsync; GRANT USAGE ON SCHEMA contactsync TO ROLE", "CREATE and USAGE on schema contactsync"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Empty(t)
			role, url := pgtest.Role(t, db)
			database := pgx.Identifier{pgtest.Value[string](t, db, "SELECT current_database()::text")}.Sanitize()
			pgtest.Exec(t, db, "CREATE SCHEMA app", "CREATE TABLE app.contacts (id bigint PRIMARY KEY, email text, name text)", "GRANT USAGE ON SCHEMA app TO "+role,
				strings.NewReplacer("ROLE", role, "DB", database).Replace(test.grants))
			before := everythingThere(t, db)
			_, err := schema.Up(t.Context(), url+"&search_path=app", hubspotAlone, logger(t))
			unsuitable(t, err, "role "+role+" may not migrate", test.says, "the role that owns contacts")
			leftNothing(t, db, before)
		})
	}
}

// What the preflight cannot foresee, an app's event trigger for one, leaves nothing either.
func TestAnUnforeseenRefusalLeavesNothing(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, "CREATE TABLE contacts (id bigint PRIMARY KEY, email text, name text)",
		`CREATE FUNCTION no_alter() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not in working hours'; END $$`,
		"CREATE EVENT TRIGGER no_alter ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION no_alter()")
	before := everythingThere(t, url)
	if _, err := schema.Up(t.Context(), url, hubspotAlone, logger(t)); err == nil || !strings.Contains(err.Error(), "not in working hours") {
		t.Fatalf("error %v", err)
	}
	leftNothing(t, url, before)
	pgtest.Exec(t, url, "DROP EVENT TRIGGER no_alter")
	up(t, url)
}
