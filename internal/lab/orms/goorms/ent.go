package main

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
)

// entApp uses what ent's generated code uses: its migration of tables, and its builder
// of statements. A generated Update sends the fields that were set, as these do.
type entApp struct{ drv *sql.Driver }

func openEnt(url string) (app, error) {
	db, err := stdsql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	return entApp{sql.OpenDB(dialect.Postgres, db)}, nil
}

// table is the app's schema as ent's code generator writes it, with contactsync's column
// where the queue is written.
func table(more ...*schema.Column) *schema.Table {
	id := &schema.Column{Name: "id", Type: field.TypeUUID}
	return &schema.Table{
		Name: "contacts", PrimaryKey: []*schema.Column{id},
		Columns: append([]*schema.Column{
			id,
			{Name: "email", Type: field.TypeString, Size: 2147483647, Nullable: true},
			{Name: "name", Type: field.TypeString, Size: 2147483647, Nullable: true},
			{Name: "created_at", Type: field.TypeTime, Nullable: true},
			{Name: "updated_at", Type: field.TypeTime, Nullable: true},
		}, more...),
	}
}

func later() *schema.Table {
	return table(
		&schema.Column{Name: "nickname", Type: field.TypeString, Size: 2147483647, Default: ""},
		&schema.Column{Name: "hubspot_processing_status", Type: field.TypeString, Size: 2147483647, Nullable: true},
	)
}

// migrate is client.Schema.Create: without WithDropColumn and WithDropIndex, which are off
// unless they are asked for.
func (a entApp) migrate(ctx context.Context, drv dialect.Driver, t *schema.Table) error {
	m, err := schema.NewMigrate(drv)
	if err != nil {
		return err
	}
	return m.Create(ctx, t)
}

func (a entApp) before(ctx context.Context) error { return a.migrate(ctx, a.drv, table()) }
func (a entApp) after(ctx context.Context) error  { return a.migrate(ctx, a.drv, later()) }

func (a entApp) propose(ctx context.Context) (changes []string, err error) {
	var out strings.Builder
	err = a.migrate(ctx, &schema.WriteDriver{Driver: a.drv, Writer: &out}, later())
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSpace(line); line != "" && line != "BEGIN;" && line != "COMMIT;" {
			changes = append(changes, line)
		}
	}
	return changes, err
}

func (a entApp) exec(ctx context.Context, query string, args []any) error {
	var result stdsql.Result
	return a.drv.Exec(ctx, query, args, &result)
}

func (a entApp) create(ctx context.Context, email string, status *string) error {
	query, args := sql.Dialect(dialect.Postgres).Insert("contacts").
		Columns("id", "email", "name", "hubspot_processing_status").
		Values(sql.Raw("gen_random_uuid()"), email, "Ada", status).Query()
	return a.exec(ctx, query, args)
}

func (a entApp) set(ctx context.Context, email, column, value string) error {
	query, args := sql.Dialect(dialect.Postgres).Update("contacts").Set(column, value).Where(sql.EQ("email", email)).Query()
	return a.exec(ctx, query, args)
}

func (a entApp) queue(ctx context.Context, way, email string) error {
	switch way {
	case "update":
		return a.set(ctx, email, "hubspot_processing_status", "Queued")
	case "raw":
		return a.exec(ctx, "UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = $1", []any{email})
	}
	return fmt.Errorf("no way %q", way)
}

func (a entApp) stale(ctx context.Context, email string) error {
	if err := a.queue(ctx, "raw", email); err != nil {
		return err
	}
	return a.set(ctx, email, "nickname", "stale")
}
