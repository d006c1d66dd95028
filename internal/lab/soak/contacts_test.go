package soak

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// contacts is how many there are from the start: few, so that apps and replicas
// meet on them. Among them are some that HubSpot refuses, and some with one email
// for two.
const (
	contacts = 120
	refused  = 8  // the first ones
	shared   = 12 // the next ones, two to an email
)

// seedSQL inserts a contact. $1 token, $2 id, $3 version, $4 email.
const seedSQL = `INSERT INTO contacts (app_change, id, phone_number, name, email, hubspot_processing_status)
	VALUES ($1, $2, $3, 'Ada v' || $3, $4, 'Queued') ON CONFLICT (id) DO NOTHING`

// idPattern makes ids of numbers.
const idPattern = "00000000-0000-4000-8000-%012d"

func contactID(n int) string { return fmt.Sprintf(idPattern, n) }

// contactNumber is the inverse of contactID; -1 for the id of another contact.
func contactNumber(id string) int {
	n, err := strconv.Atoi(id[strings.LastIndex(id, "-")+1:])
	if err != nil || n >= contacts || contactID(n) != id {
		return -1
	}
	return n
}

// contactEmail is the address of a contact; nil for none.
func contactEmail(n int) *string {
	var email string
	switch {
	case n < refused && n%4 == 3:
		return nil
	case n < refused:
		email = fmt.Sprintf("c%d@nowhere", n)
	case n < refused+shared:
		email = fmt.Sprintf("shared%d@example.org", n/2)
	default:
		email = fmt.Sprintf("c%d@example.org", n)
	}
	return &email
}

// isRefused says that HubSpot never takes the contact; isShared that another one
// has its email, so that only one of the two is to be seen there.
func isRefused(n int) bool { return n >= 0 && n < refused }
func isShared(n int) bool  { return n >= refused && n < refused+shared }

// seed inserts the contacts.
func (w *world) seed(told *receipts) {
	batch := &pgx.Batch{}
	for n := range contacts {
		batch.Queue(seedSQL, "seed", contactID(n), fmt.Sprint(told.versions.Add(1)), contactEmail(n))
	}
	if err := w.books.SendBatch(w.Context(), batch).Close(); err != nil {
		w.Fatal(err)
	}
}
