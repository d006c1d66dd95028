package webhook

import "github.com/scrapersky/contactsync/internal/destination"

// Info describes the webhook. Its name is that of what stands behind it most often.
var Info = destination.Info{
	Name:     "n8n",
	Label:    "n8n",
	Ordinal:  2,
	MaxBatch: 1,
	Setting:  "N8N_WEBHOOK_URL",
	Columns:  destination.Prefixed("n8n", "n8n_workflow_id"),

	KeyedByID: true, // two rows of one person are two contacts
}
