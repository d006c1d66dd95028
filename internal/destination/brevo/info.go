package brevo

import "github.com/scrapersky/contactsync/internal/destination"

// Info describes Brevo.
var Info = destination.Info{
	Name: "brevo", Label: "Brevo", Ordinal: 1, MaxBatch: 1, Setting: "BREVO_API_KEY",
	Columns: destination.Prefixed("brevo", "brevo_contact_id"),
}
