package dashboard_test

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// scene is an installation with a past: a day of cycles, contacts in every state,
// and people who did things.
func scene(t *testing.T) *progtest.Installation {
	t.Helper()
	in := progtest.Install(t)
	in.Sim = hubspotsim.New(hubspotsim.Options{Token: progtest.GoodKey, RatePer10s: 190, DailyLimit: 650_000})
	in.API = progtest.ServeHubSpot(t, in.Sim, in.Sim)
	in.Exec(`SET contactsync.worker = 'on'`)
	in.Exec(`INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status, hubspot_contact_id, hubspot_synced_at, created_at, updated_at)
		SELECT 'contact' || i || '@example.org', 'Contact ' || i, '+1 555 01' || to_char(i, 'FM00'), 'Complete', 'Complete', (51000000 + 977 * i)::text,
		       now() - i * interval '7 minutes', now() - interval '3 days', now() - i * interval '7 minutes'
		  FROM generate_series(1, 48) i`)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_sync_status) SELECT 'lead' || i || '@example.com', 'Lead ' || i, 'New' FROM generate_series(1, 12) i`)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, hubspot_processing_error, last_retry_at, last_failed_crm, updated_at)
		SELECT split_part(x, '|', 1), split_part(x, '|', 2), 'Error', 'Error', split_part(x, '|', 3), split_part(x, '|', 4), now() - interval '20 minutes', 'hubspot', now() - interval '20 minutes'
		  FROM unnest(ARRAY[
			'contact61@example|Contact 61|INVALID_EMAIL|refused by HubSpot: Email address contact61@example is invalid',
			'not-an-address|Contact 62|INVALID_EMAIL|refused by HubSpot: Email address not-an-address is invalid',
			'|Contact 63|NO_EMAIL|the contact has no email address',
			'contact64@example.org|Contact 64|INVALID_VALUE|refused by HubSpot: Property values were not valid: "unknown" was not one of the allowed options for lifecyclestage',
			'contact65@example.org|Contact 65|SERVER_ERROR|Max retries exceeded (3). Last error: 503 Service Unavailable',
			'contact66@example.org|Contact 66|SERVER_ERROR|Max retries exceeded (3). Last error: 503 Service Unavailable']) x`)
	in.Exec(`INSERT INTO contactsync.failures (contact_id, destination, at, attempt, code, http_status, message, correlation_id)
		SELECT c.id, 'hubspot', now() - interval '20 minutes' - (4 - k) * interval '6 minutes', k, c.hubspot_error_code, CASE WHEN c.hubspot_error_code = 'SERVER_ERROR' THEN 503 ELSE 207 END,
		       regexp_replace(c.hubspot_processing_error, '^Max.*error: ', ''), gen_random_uuid()::text
		  FROM contacts c, generate_series(1, 4) k WHERE c.hubspot_processing_status = 'Error' AND (k = 1 OR c.hubspot_error_code = 'SERVER_ERROR')`)
	in.Exec(`INSERT INTO contactsync.cycles (destination, instance, slot, started_at, finished_at, claimed, synced, created, retried, failed, released, recovered, requests, throttled_ms, latency)
		SELECT 'hubspot', 'web-7c9-1', 0, at, at + interval '180 ms', n, n - r - f, n / 3, r, f, 0, 0, 1, 0,
		       ARRAY[0, n / 9, n / 2, n / 4, n / 9, n / 30, n / 40, r, 0, 0, 0, 0, 0, 0, 0, 0, 0]
		  FROM (SELECT at, greatest(5, (45 + 40 * sin(extract(epoch FROM at) / 9000) + 12 * sin(extract(epoch FROM at) / 700) + 18 * random())::int) AS n,
		               CASE WHEN random() < .04 THEN 2 ELSE 0 END AS r, CASE WHEN random() < .01 THEN 1 ELSE 0 END AS f
		          FROM generate_series(now() - interval '24 hours', now() - interval '40 seconds', interval '47 seconds') at) x`)
	in.Exec(`INSERT INTO contactsync.actions (destination, at, who, via, action, detail, rows) VALUES
		('hubspot', now() - interval '95 minutes', 'operator', 'dashboard', 'pause', 'HubSpot maintenance until 17:00', 0),
		('hubspot', now() - interval '61 minutes', 'operator', 'dashboard', 'resume', '', 0),
		('hubspot', now() - interval '34 minutes', 'operator', 'terminal', 'retry', 'SERVER_ERROR', 214)`)
	in.Exec(`INSERT INTO contactsync.actions (destination, at, who, via, action, contact_id, rows)
		SELECT 'hubspot', now() - interval '9 minutes', 'operator', 'dashboard', 'send-now', id, 1 FROM contacts WHERE email = 'contact17@example.org'`)
	in.Exec(`INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, hubspot_processing_error, retry_count, next_retry_at, last_retry_at, updated_at)
		VALUES ('contact67@example.org', 'Contact 67', '+1 555 0142', 'Queued', 'Queued', 'TIMEOUT', 'HubSpot did not answer within 30s', 2, now() + interval '8 minutes', now() - interval '2 minutes', now() - interval '17 minutes')`)
	in.Exec(`INSERT INTO contactsync.failures (contact_id, destination, at, attempt, code, message)
		SELECT id, 'hubspot', now() - k * interval '6 minutes', 3 - k, 'TIMEOUT', 'HubSpot did not answer within 30s' FROM contacts, generate_series(1, 2) k WHERE email = 'contact67@example.org'`)
	in.Exec(`SET contactsync.worker = 'off'`)
	return in
}
