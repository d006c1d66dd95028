package dashboard

import (
	"net/http"

	"github.com/scrapersky/contactsync/internal/ops"
)

// troubles is what the page of failures shows.
type troubles struct {
	Codes    []ops.CodeCount
	Attempts []ops.Attempt
	ReadOnly bool
	Hidden   bool
}

func (d *Dashboard) failures(r *http.Request) (view, error) {
	codes, err := d.Store.FailuresByCode(r.Context(), ops.MostShown+1)
	if err != nil {
		return view{}, err
	}
	attempts, err := d.Store.Attempts(r.Context(), 30)
	if err != nil {
		return view{}, err
	}
	return view{Page: "failures", Title: "Failures", Nav: "failures", Data: troubles{codes, attempts, d.ReadOnly, d.HideEmails}, Every: 10}, nil
}
