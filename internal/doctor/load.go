package doctor

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/ops"
)

// transactions looks for what keeps the server from tidying up behind the queue,
// and may hold rows that are to be synced.
func (d Database) transactions(ctx context.Context) Finding {
	type open struct {
		Kind, Name, About string
		Seconds           float64
	}
	old, err := askAll[open](ctx, d, sql.Text("transactions"), d.limits.transaction.Seconds())
	if err != nil {
		return d.broken(err)
	}
	hidden, err := ask[struct{ N int64 }](ctx, d, sql.Text("hidden"))
	if err != nil {
		return d.broken(err)
	}
	unseen := ""
	if hidden.N > 0 {
		unseen = fmt.Sprintf(" (%s of other roles cannot be seen: GRANT pg_read_all_stats to this role)", ops.Count(hidden.N, "session", "sessions"))
	}
	if len(old) == 0 {
		return fine("none is open for longer than %v%s", d.limits.transaction, unseen)
	}
	o := old[0]
	age := time.Duration(o.Seconds * float64(time.Second)).Round(time.Second)
	const harm = "dead rows of the queue pile up, and contacts it has locked wait"
	switch o.Kind {
	case "prepared":
		return warn(fmt.Sprintf("COMMIT PREPARED '%[1]s'; or ROLLBACK PREPARED '%[1]s';", strings.ReplaceAll(o.Name, "'", "''")),
			"%d too old; prepared transaction %q (%s) is open for %v: %s%s", len(old), o.Name, o.About, age, harm, unseen)
	case "slot":
		return warn(fmt.Sprintf("let its replica connect, or SELECT pg_drop_replication_slot('%s');", o.Name),
			"replication slot %s is not in use and holds back the tidying up, %s%s", o.Name, o.About, unseen)
	}
	return warn(fmt.Sprintf("let the app commit, or SELECT pg_terminate_backend(%s);", o.Name),
		"%d too old; the oldest, of process %s (%s), is open for %v: %s%s", len(old), o.Name, o.About, age, harm, unseen)
}

func (d Database) connections(ctx context.Context) Finding {
	type use struct {
		Most, Used         int
		OfBase, UsedOfBase int
		OfRole, UsedOfRole int
		Role, Base         string
	}
	u, err := ask[use](ctx, d, sql.Text("connections"))
	if err != nil {
		return d.broken(err)
	}
	free, found := math.MaxInt, ""
	remedy := ""
	for _, limit := range []struct {
		most, used   int
		what, remedy string
	}{
		{u.Most, u.Used, "of the server's connections", "end idle sessions, put a pooler before the apps, or raise max_connections"},
		{u.OfBase, u.UsedOfBase, "of the database's connections", "ALTER DATABASE " + pgx.Identifier{u.Base}.Sanitize() + " CONNECTION LIMIT -1"},
		{u.OfRole, u.UsedOfRole, "of role " + u.Role + "'s connections", "ALTER ROLE " + pgx.Identifier{u.Role}.Sanitize() + " CONNECTION LIMIT -1"},
	} {
		if left := limit.most - limit.used; limit.most >= 0 && left < free {
			free, remedy = left, limit.remedy
			found = fmt.Sprintf("%d of %d %s are free", max(0, left), limit.most, limit.what)
		}
	}
	switch {
	case free < d.limits.needed:
		return fail(remedy, "%s, and a leader needs %d", found, d.limits.needed)
	case free < d.limits.free:
		return warn(remedy, "%s: a leader needs %d, every other replica 2", found, d.limits.needed)
	}
	return fine("%s", found)
}
