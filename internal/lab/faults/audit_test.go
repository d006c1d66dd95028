package faults

import (
	"strconv"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// audited records every row that a session writes in the tables of the program:
// who, when, and whether the session held a slot's lock. It is the database that
// looks, so nothing a program believes of itself matters.
const audited = `
CREATE TABLE audit (at timestamptz NOT NULL DEFAULT clock_timestamp(), who text NOT NULL, what text NOT NULL, leads bool NOT NULL);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
	INSERT INTO audit (who, what, leads)
	SELECT current_setting('application_name'), TG_OP || ' ' || TG_TABLE_NAME,
	       EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
	               AND classid = 1668507251 AND objid >= 100 AND mode = 'ExclusiveLock')
	 WHERE current_setting('application_name') LIKE 'contactsync/%';
	RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON contacts FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON contactsync.claims FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON contactsync.slots FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON contactsync.cycles FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON contactsync.failures FOR EACH ROW EXECUTE FUNCTION note();`

// audit begins to record.
func audit(in *progtest.Installation) {
	in.Helper()
	in.Exec(audited)
}

// wrote is how many rows a replica wrote after a moment, by the test's clock,
// which is the server's.
func wrote(in *progtest.Installation, name string, from time.Time) int {
	in.Helper()
	n, err := strconv.Atoi(in.Ask(`SELECT count(*)::text FROM audit WHERE who = $1 AND at > $2`, name, from))
	if err != nil {
		in.Fatal(err)
	}
	return n
}

// oneLeader checks that nobody wrote without a slot, and that the writers took
// turns: as many as there were times of leading at most.
func oneLeader(in *progtest.Installation, replicas ...*replica) {
	in.Helper()
	if n := in.Ask(`SELECT count(*)::text FROM audit WHERE NOT leads`); n != "0" {
		in.Errorf("%s rows were written by a session without a slot", n)
	}
	turns, err := strconv.Atoi(in.Ask(`SELECT count(*)::text FROM (
		SELECT lag(who) OVER (ORDER BY at) IS DISTINCT FROM who AS other FROM audit) x WHERE other`))
	if err != nil {
		in.Fatal(err)
	}
	led := 0
	for _, r := range replicas {
		led += len(r.Saw("leading"))
	}
	if turns > led {
		in.Errorf("the writers took %d turns, but were leaders only %d times", turns, led)
	}
}
