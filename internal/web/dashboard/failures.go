package dashboard

import (
	"net/http"

	"github.com/scrapersky/contactsync/internal/ops"
)

// troubles is what the page of failures shows.
type troubles struct {
	Kinds    []ops.Kind
	Attempts []ops.Attempt
	ReadOnly bool
	Hidden   bool
}

func (d *Dashboard) failures(r *http.Request) (view, error) {
	kinds, attempts, err := d.Desk.Trouble(r.Context(), d.Destination, 30)
	if err != nil {
		return view{}, err
	}
	return view{Page: "failures", Title: "Failures", Nav: "failures", Data: troubles{kinds, attempts, d.ReadOnly, d.HideEmails}, Every: 10}, nil
}
