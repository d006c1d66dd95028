package doctor

import (
	_ "embed" // the statements
	"slices"

	"github.com/scrapersky/contactsync/internal/statement"
)

var (
	//go:embed server.sql
	serverFile string
	//go:embed contacts.sql
	contactsFile string

	// sql is the statements; what they expect and give is written in them.
	sql = statement.Merge(statement.Parse(serverFile), statement.Parse(contactsFile))
)

// table is the app's table as it was configured: it need not be there, or visible.
func (d Database) table() statement.Table {
	t := statement.Table{Name: d.Schema.Table, Columns: d.Schema.Columns}
	if t.Name == "" {
		t.Name = statement.Contacts().Name
	}
	return t
}

// usedColumns are the columns that a worker reads, and those of them that it writes.
func (d Database) usedColumns() (read, written []string) {
	for _, name := range []string{"id", "email", "name", "phone_number", "domain_id", "page_id"} {
		read = append(read, d.table().Column(name))
	}
	written = []string{d.table().Column("updated_at"), "last_failed_crm"}
	written = append(written, d.Destination.Columns.List()...)
	return slices.Concat(read, written), written
}
