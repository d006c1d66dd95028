// Package rowsecurity says what row security hides from a role, and how to let the role
// see it. It exists because PostgreSQL says nothing of the kind: to a role that no policy
// lets in, a table is empty, so that a queue full of contacts looks like one at rest.
//
// What is hidden is asked of contactsync.row_security, a function that `migrate up`
// made, so that people with psql are told the same.
package rowsecurity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Query asks for what the session's role and the roles of those who lead cannot see; its
// rows are read by Collect.
const Query = `SELECT role, relation, own, every_row, commands, restrictive FROM contactsync.row_security()`

const ofRole = `SELECT role, relation, own, every_row, commands, restrictive
	FROM contactsync.row_security((SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = coalesce(nullif($1, ''), current_user)), $2)`

// Hidden is a table of which a role does not surely see every row.
type Hidden struct {
	Role     string `json:"role"`
	Table    string `json:"table"` // as SQL
	Own      bool   `json:"-"`     // it is one of contactsync's own
	EveryRow bool   `json:"every_row"`

	// commands are those that no policy lets through for every row: SELECT, INSERT,
	// UPDATE, DELETE.
	commands []string
	// restrictive are policies that no other one outweighs.
	restrictive []string

	SQL []string `json:"sql"` // what the owner of the table may run so that nothing is hidden
}

// querier is a connection, a transaction or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// From lists what is hidden from a role, "" for the session's own, that is to do a
// worker's job, or only to look.
func From(ctx context.Context, db querier, role string, works bool) ([]Hidden, error) {
	rows, err := db.Query(ctx, ofRole, role, works)
	if err != nil {
		return nil, fmt.Errorf("ask what row security hides: %w", err)
	}
	return Collect(rows)
}

// FromWhoeverLooks lists what is hidden from the session's role, and from the roles of
// those who lead.
func FromWhoeverLooks(ctx context.Context, db querier) ([]Hidden, error) {
	rows, err := db.Query(ctx, Query)
	if err != nil {
		return nil, fmt.Errorf("ask what row security hides: %w", err)
	}
	return Collect(rows)
}

// Collect reads the rows of Query.
func Collect(rows pgx.Rows) ([]Hidden, error) {
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h Hidden, err error) {
		err = row.Scan(&h.Role, &h.Table, &h.Own, &h.EveryRow, &h.commands, &h.restrictive)
		h.SQL = h.remedy()
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("ask what row security hides: %w", err)
	}
	return list, nil
}

// String says it in words that people search for.
func (h Hidden) String() string {
	if h.EveryRow {
		return fmt.Sprintf("row security hides every row of %s from role %s", h.Table, h.Role)
	}
	text := fmt.Sprintf("row security may hide rows of %s from role %s", h.Table, h.Role)
	if len(h.restrictive) > 0 {
		text += " (restrictive policy " + strings.Join(h.restrictive, ", ") + ")"
	}
	return text
}

// beyond is what people have to know before they let a role bypass row security. It is a
// comment that ends, because statements are put on one line.
const beyond = "/* BYPASSRLS reaches beyond this table, to every table with row security; better: amend the restrictive policy, to (...) OR current_user = 'role', beside a policy that lets the role in */"

// remedy is a policy for each command. Against a restrictive policy none helps.
func (h Hidden) remedy() []string {
	if len(h.restrictive) > 0 {
		return []string{fmt.Sprintf("ALTER ROLE %s BYPASSRLS; %s", quote(h.Role), beyond)}
	}
	if h.Own && len(h.commands) > 1 {
		return []string{policy(h.Role, h.Table, "ALL")}
	}
	var list []string
	for _, command := range h.commands {
		list = append(list, policy(h.Role, h.Table, command))
	}
	return list
}

// Policies is the SQL that lets a role see a table of contacts, whatever is hidden now.
func Policies(role, table string, works bool) []string {
	list := []string{policy(role, table, "SELECT")}
	if works {
		list = append(list, policy(role, table, "UPDATE"))
	}
	return list
}

func policy(role, table, command string) string {
	text := fmt.Sprintf("CREATE POLICY %s ON %s FOR %s TO %s", quote(name(role, command)), table, command, quote(role))
	if command != "INSERT" {
		text += " USING (true)"
	}
	if command != "SELECT" && command != "DELETE" {
		text += " WITH CHECK (true)"
	}
	return text + ";"
}

// name is that of a policy. Names of two roles that are alike in their beginnings must
// not become one.
func name(role, command string) string {
	name := fmt.Sprintf("contactsync_%s_%s", strings.ToLower(command), role)
	if len(name) < 64 {
		return name
	}
	sum := sha256.Sum256([]byte(role))
	return fmt.Sprintf("contactsync_%s_%s", strings.ToLower(command), hex.EncodeToString(sum[:16]))
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// SQL lists what lets all of them be seen, each statement once.
func SQL(list []Hidden) (sql []string) {
	for _, h := range list {
		for _, statement := range h.SQL {
			if !slices.Contains(sql, statement) {
				sql = append(sql, statement)
			}
		}
	}
	return sql
}

// Missing lists those of SQL that create a policy. What a restrictive policy hides is left
// out: the ways past it reach further than one table or change somebody's decision, and
// so are for people to choose.
func Missing(list []Hidden) []string {
	return SQL(slices.DeleteFunc(slices.Clone(list), func(h Hidden) bool { return len(h.restrictive) > 0 }))
}

// Words says of all of them what is hidden.
func Words(list []Hidden) string {
	words := make([]string, len(list))
	for i, h := range list {
		words[i] = h.String()
	}
	return strings.Join(words, "; ")
}

// Contacts returns what is hidden of the app's table: every row of it from somebody
// first. It is nil where nothing is.
func Contacts(list []Hidden) *Hidden {
	var worst *Hidden
	for i, h := range list {
		if !h.Own && (worst == nil || h.EveryRow && !worst.EveryRow) {
			worst = &list[i]
		}
	}
	return worst
}
