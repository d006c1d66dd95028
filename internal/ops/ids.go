package ops

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// IDType is the type of a table's ids, as statement.Table has it.
type IDType string

// integers are the types of whole numbers, and how many bits they have.
var integers = map[IDType]int{"smallint": 16, "integer": 32, "bigint": 64}

// Parse returns the id that a text stands for, as people paste it, in the form that the
// database writes it. It is not ok where the text can be the id of no contact.
func (t IDType) Parse(text string) (id string, ok bool) {
	if t == "uuid" {
		var u pgtype.UUID
		if err := u.Scan(text); err != nil {
			return "", false
		}
		return u.String(), true
	}
	if bits, whole := integers[t]; whole {
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return "", false
		}
		return strconv.FormatInt(n, 10), true
	}
	return text, text != "" && !strings.ContainsRune(text, 0)
}

// IDs returns what type the contacts' ids have.
func (s *Store) IDs(ctx context.Context) (IDType, error) {
	known, err := s.source.ready(ctx)
	if err != nil {
		return "", err
	}
	return IDType(known.table.ID), nil
}
