package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/queue"
	"github.com/scrapersky/contactsync/internal/schema"
)

func (d Database) indexes(ctx context.Context) Finding {
	type index struct {
		Name, Quoted       string
		Valid, Partitioned bool
	}
	since, err := d.indexesDetached(ctx)
	switch {
	case err != nil:
		return d.broken(err)
	case since != "":
		return warn(migrateAttach, "detached since %s: every look at the queue reads the whole table", since)
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

// indexesDetached returns since when the indexes are detached, "" where they are not.
func (d Database) indexesDetached(ctx context.Context) (since string, err error) {
	off, err := askAll[struct{ Since time.Time }](ctx, d, sql.Text("detached"), "indexes")
	if err != nil || len(off) == 0 {
		return "", err
	}
	return off[0].Since.UTC().Format(time.RFC3339), nil
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
	if since, err := d.indexesDetached(ctx); err == nil && since != "" {
		return fine("reads the whole table while the indexes are detached")
	}
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
