package hubspot

import (
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// Info describes HubSpot. It was the first destination, so its retry columns have no
// prefix: apps that were there before this program use them by these names.
var Info = destination.Info{
	Name:     "hubspot",
	Label:    "HubSpot",
	Ordinal:  0,
	MaxBatch: api.MaxBatch,
	Setting:  "HUBSPOT_API_KEY",
	Columns: destination.Columns{
		Status:   "hubspot_processing_status",
		Mirror:   "hubspot_sync_status",
		Error:    "hubspot_processing_error",
		Code:     "hubspot_error_code",
		RemoteID: "hubspot_contact_id",
		SyncedAt: "hubspot_synced_at",
		QueuedAt: "hubspot_queued_at",
		Tries:    "retry_count",
		DueAt:    "next_retry_at",
		TriedAt:  "last_retry_at",
	},
}
