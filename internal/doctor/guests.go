package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/scrapersky/contactsync/internal/schema"
)

// child is a row of children.
type child struct {
	Name     string
	OID      uint32
	Foreign  bool
	Keyed    bool // an index begins with the id
	Indexes  []string
	Triggers []string // that it lacks, as SQL
}

// children tells of tables that inherit from contacts. A SELECT from contacts reads
// their rows, but their triggers and indexes are their own affair.
func (d Database) children(ctx context.Context) Finding {
	found, err := askAll[child](ctx, d, sql.Text("children"), d.table().Name, d.table().Column("id"))
	if err != nil {
		return d.broken(err)
	}
	var bad, remedies []string
	for _, c := range found {
		switch lacks := d.lacks(c); {
		case c.Foreign:
			bad = append(bad, c.Name+" is a foreign table")
			remedies = append(remedies, fmt.Sprintf("queue no contact in %s, or detach it from contacts;", c.Name))
		case len(lacks) > 0:
			bad = append(bad, c.Name+" inherits neither triggers nor indexes")
			remedies = append(remedies, lacks...)
		}
	}
	if len(bad) > 0 {
		return warn(strings.Join(remedies, " "), "%s: its contacts wait for the next tick, and each look at the queue reads it from end to end", strings.Join(bad, ", "))
	}
	return fine("none of contacts lacks triggers or indexes")
}

// lacks lists what a child lacks, as SQL.
func (d Database) lacks(c child) (statements []string) {
	for _, trigger := range c.Triggers {
		statements = append(statements, trigger+";")
	}
	if !c.Keyed {
		statements = append(statements, fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s (%s);", c.Name, d.table().Ident("id")))
	}
	for _, ix := range schema.Indexes(d.Schema) {
		name := fmt.Sprintf("%s_%d", strings.TrimPrefix(ix.Name, "contacts_"), c.OID)
		if !slices.Contains(c.Indexes, name) {
			statements = append(statements, fmt.Sprintf("CREATE INDEX CONCURRENTLY %s ON %s %s;", name, c.Name, ix.On))
		}
	}
	return statements
}

// searchPath tells who could have code of theirs run by whoever reads contacts. A role
// that was given the right may need it: to take it away is for a person to decide.
func (d Database) searchPath(ctx context.Context) Finding {
	found, err := askAll[struct{ Schema, Role, Owner string }](ctx, d, sql.Text("untrusted"), d.table().Name)
	if err != nil {
		return d.broken(err)
	}
	var who, remedies []string
	for _, f := range found {
		who = append(who, fmt.Sprintf("%s may create in schema %s", f.Role, f.Schema))
		revoke := fmt.Sprintf("REVOKE CREATE ON SCHEMA %s FROM %s;", f.Schema, f.Role)
		switch {
		case f.Role != "PUBLIC":
			remedies = append(remedies, "Unless "+f.Role+" is to be trusted with that: "+revoke)
		case f.Owner != "":
			remedies = append(remedies, fmt.Sprintf("GRANT CREATE ON SCHEMA %s TO %s; %s", f.Schema, f.Owner, revoke))
		default:
			remedies = append(remedies, revoke)
		}
	}
	if len(who) > 0 {
		return warn(strings.Join(remedies, " "),
			"%s, which search_path names: with an operator of theirs on a type of the app's they could have code run as the app's role, or a superuser's",
			strings.Join(who, ", "))
	}
	return fine("only its owners may create in the schemas that it names")
}
