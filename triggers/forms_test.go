package triggers_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// form is one way to queue the contact @id in a transaction.
type form struct {
	statements []string
	atCommit   bool // the row is queued by the COMMIT itself
}

const queue = "UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = @id"

func forms(version int) map[string]form {
	all := map[string]form{
		"plain":                       {statements: []string{queue, "SELECT 1"}},
		"two updates":                 {statements: []string{queue, "UPDATE contacts SET name = 'x' WHERE id = @id", queue}},
		"time first, then status":     {statements: []string{"UPDATE contacts SET next_retry_at = now() WHERE id = @id", queue}},
		"dequeued and queued again":   {statements: []string{queue, "UPDATE contacts SET hubspot_processing_status = NULL WHERE id = @id", queue}},
		"savepoint released":          {statements: []string{"SAVEPOINT s", queue, "RELEASE s"}},
		"savepoint rolled back":       {statements: []string{queue, "SAVEPOINT s", "UPDATE contacts SET hubspot_processing_status = NULL WHERE id = @id", "ROLLBACK TO s"}},
		"queued in a rolled back one": {statements: []string{"SAVEPOINT s", queue, "ROLLBACK TO s", queue}},
		"nested savepoints":           {statements: []string{"SAVEPOINT a", "SAVEPOINT b", queue, "RELEASE b", "SAVEPOINT c", "UPDATE contacts SET name = 'x' WHERE id = @id", "ROLLBACK TO c", "RELEASE a"}},
		"other row rolled back":       {statements: []string{queue, "SAVEPOINT s", "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')", "ROLLBACK TO s"}},
		"exception block":             {statements: []string{"DO $$ BEGIN BEGIN " + queue + "; RAISE EXCEPTION 'x'; EXCEPTION WHEN OTHERS THEN NULL; END; " + queue + "; END $$", "SELECT 1"}},
		"exception after it":          {statements: []string{"DO $$ BEGIN " + queue + "; BEGIN PERFORM 1/0; EXCEPTION WHEN OTHERS THEN NULL; END; END $$", "SELECT 1"}},
		"exception around it":         {statements: []string{"DO $$ BEGIN BEGIN " + queue + "; EXCEPTION WHEN OTHERS THEN NULL; END; END $$", "SELECT 1"}},
		"on conflict":                 {statements: []string{"INSERT INTO contacts (id, hubspot_processing_status) VALUES (@id, 'Queued') ON CONFLICT (id) DO UPDATE SET hubspot_processing_status = excluded.hubspot_processing_status", "SELECT 1"}},
		"deleted and inserted":        {statements: []string{"DELETE FROM contacts WHERE id = @id", "INSERT INTO contacts (id, hubspot_processing_status) VALUES (@id, 'Queued')"}},
		"copy":                        {statements: []string{"DELETE FROM contacts WHERE id = @id", "COPY contacts (id, hubspot_processing_status) FROM STDIN", "SELECT 1"}},
		"common table expression":     {statements: []string{"WITH queued AS (UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = @id RETURNING id) SELECT count(*) FROM queued", "SELECT 1"}},
		"cursor":                      {statements: []string{"DECLARE c CURSOR FOR SELECT * FROM contacts WHERE id::text = @id FOR UPDATE", "FETCH c", "UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE CURRENT OF c"}},
		"view":                        {statements: []string{"UPDATE people SET hubspot_processing_status = 'Queued' WHERE id = @id", "SELECT 1"}},
		"other trigger":               {statements: []string{"INSERT INTO requests VALUES (@id)", "SELECT 1"}},
		"deferred trigger":            {statements: []string{"INSERT INTO later VALUES (@id)", "SELECT 1"}, atCommit: true},
	}
	if version >= 150000 {
		all["merge, matched"] = form{statements: []string{"MERGE INTO contacts c USING (VALUES (@id::uuid)) v (id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET hubspot_processing_status = 'Queued'", "SELECT 1"}}
		all["merge, not matched"] = form{statements: []string{
			"DELETE FROM contacts WHERE id = @id",
			"MERGE INTO contacts c USING (VALUES (@id::uuid)) v (id) ON c.id = v.id WHEN NOT MATCHED THEN INSERT (id, hubspot_processing_status) VALUES (v.id, 'Queued')",
		}}
	}
	return all
}

// Whatever the form, and whenever the consumer falls asleep or wakes up in
// between: a row that is committed as Queued was either rung for, or its writer
// held the doorbell, so that the consumer was awake when it committed.
func TestNoFormIsUnprotected(t *testing.T) {
	t.Parallel()
	tables := map[string]func(t *testing.T) string{
		"plain table":       func(t *testing.T) string { t.Helper(); return pgtest.New(t) },
		"partitioned table": partitioned,
	}
	for table, database := range tables {
		for _, isolation := range []string{"READ COMMITTED", "REPEATABLE READ"} {
			t.Run(table+", "+isolation, func(t *testing.T) {
				t.Parallel()
				url := database(t)
				pgtest.Exec(t, url,
					"CREATE VIEW people AS SELECT * FROM contacts",
					"CREATE TABLE requests (id uuid); CREATE TABLE later (id uuid)",
					"CREATE FUNCTION pass_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = NEW.id; RETURN NULL; END $$",
					"CREATE TRIGGER pass_on AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION pass_on()",
					"CREATE CONSTRAINT TRIGGER pass_on AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pass_on()")
				c, app := newConsumer(t, url), pgtest.Connect(t, url)
				runs := 0
				for name, f := range forms(pgtest.Value[int](t, url, "SELECT current_setting('server_version_num')::int")) {
					for pattern := range 1 << (len(f.statements) + 1) {
						c.protected(app, isolation, name, f, pattern)
						runs++
					}
				}
				t.Logf("%d transactions", runs)
			})
		}
	}
}

// protected runs a form while the consumer goes to sleep or wakes up before the
// statements whose bit is set in the pattern; the highest stands for COMMIT.
func (c *consumer) protected(app *pgx.Conn, isolation, name string, f form, pattern int) {
	c.Helper()
	var id string
	if err := c.see.QueryRow(c.Context(), c.words.Replace("INSERT INTO contacts DEFAULT VALUES RETURNING id::text")).Scan(&id); err != nil {
		c.Fatal(err)
	}
	c.exec(app, "BEGIN ISOLATION LEVEL "+isolation)
	for i, statement := range f.statements {
		if pattern>>i&1 == 1 {
			c.toggle()
		}
		c.run(app, statement, id)
	}
	if pattern>>len(f.statements)&1 == 1 {
		c.toggle()
	}
	held := c.holdsBell(app.PgConn().PID(), c.doorbell) || f.atCommit && !c.armed
	c.exec(app, "COMMIT")

	var queued bool
	err := c.see.QueryRow(c.Context(), c.words.Replace("SELECT EXISTS (SELECT FROM contacts WHERE id::text = $1 AND hubspot_processing_status = 'Queued')"), id).Scan(&queued)
	if err != nil || !queued {
		c.Fatalf("%s: the test is void: the row is not Queued (%v)", name, err)
	}
	if rung := c.heard() > 0; !rung && !held {
		c.Errorf("%s, consumer's pattern %b: the row is neither rung for nor protected", name, pattern)
	}
	if c.armed {
		c.wake()
	}
}

// run executes a statement of the app about the contact @id.
func (c *consumer) run(app *pgx.Conn, statement, id string) {
	c.Helper()
	statement = c.words.Replace(statement)
	var err error
	if strings.HasPrefix(statement, "COPY") {
		_, err = app.PgConn().CopyFrom(c.Context(), strings.NewReader(id+"\tQueued\n"), statement)
	} else {
		_, err = app.Exec(c.Context(), strings.ReplaceAll(statement, "@id", "'"+id+"'"), pgx.QueryExecModeSimpleProtocol)
	}
	if err != nil {
		c.Fatalf("%v\nin %s", err, statement)
	}
}
