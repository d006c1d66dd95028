package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/queue"
	"github.com/scrapersky/contactsync/internal/schema"
)

func (d Database) indexes(ctx context.Context) Finding {
	type index struct {
		Name, Quoted       string
		Valid, Partitioned bool
	}
	wanted := schema.Indexes(d.Schema)
	found, err := askAll[index](ctx, d, sql.Text("indexes"), d.table().Name, d.indexNames())
	if err != nil {
		return d.broken(err)
	}
	var bad, remedies []string
	for i, x := range found {
		how := " CONCURRENTLY"
		if x.Partitioned {
			how = ""
		}
		switch {
		case x.Quoted == "":
			bad = append(bad, x.Name+" is missing")
			remedies = append(remedies, fmt.Sprintf("CREATE INDEX%s %s ON %s %s;", how, x.Name, d.table().Name, wanted[i].On))
		case !x.Valid:
			bad = append(bad, x.Name+" is invalid")
			remedies = append(remedies, fmt.Sprintf("REINDEX INDEX%s %s;", how, x.Quoted))
		}
	}
	if len(bad) > 0 {
		return fail(strings.Join(remedies, " "), "%s: every look at the queue reads the whole table", strings.Join(bad, ", "))
	}
	return fine("all %d are valid", len(found))
}

func (d Database) indexNames() []string {
	var names []string
	for _, ix := range schema.Indexes(d.Schema) {
		names = append(names, ix.Name)
	}
	return names
}

// claim asks the planner how it would find the rows of a claim.
func (d Database) claim(ctx context.Context) Finding {
	var plan []string
	err := d.on(ctx, func(conn *pgx.Conn) error {
		target, err := d.target(ctx, conn)
		if err != nil {
			return err
		}
		plan, err = queue.ClaimPlan(ctx, conn, target)
		return err
	})
	if err != nil {
		return d.broken(err)
	}
	for _, line := range plan {
		if strings.Contains(line, "Seq Scan on ") {
			return warn("see EXPLAIN of internal/queue/claim.sql: contacts needs an index that begins with id, and ANALYZE contacts may help",
				"a claim reads a whole table: %s", strings.TrimLeft(line, " ->"))
		}
	}
	return fine("finds its rows by the indexes")
}
