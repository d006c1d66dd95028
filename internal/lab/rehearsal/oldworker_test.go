package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// oldWorker does what the old scheduler did: it polls, marks a batch Processing
// in one transaction, then sends the contacts one after the other and writes
// down each outcome.
type oldWorker struct {
	testing.TB
	ctx  context.Context // of its whole life, which may end after the test
	conn *pgx.Conn
	api  string

	dying atomic.Bool
	gone  chan struct{} // closed when it has ended
}

// row is what it reads of a contact.
type row struct {
	ID, Email, Name, Phone string
	Tries                  int
}

// dieAt is the place in a batch at which it dies: that contact is in HubSpot,
// and nothing in the database says so.
const dieAt = 3

// startOldWorker starts one that goes on until it is killed.
func startOldWorker(s *site) *oldWorker {
	s.Helper()
	w := &oldWorker{TB: s.TB, ctx: context.WithoutCancel(s.Context()), conn: s.Connect(), api: s.API, gone: make(chan struct{})}
	go w.run()
	s.Cleanup(w.kill)
	return w
}

// kill ends it in the middle of a batch, if there is one, else at once.
func (w *oldWorker) kill() {
	w.dying.Store(true)
	<-w.gone
}

func (w *oldWorker) run() {
	defer close(w.gone)
	pace := time.NewTicker(50 * time.Millisecond)
	defer pace.Stop()
	for {
		batch, err := w.poll()
		if err != nil {
			w.Errorf("the old worker: %v", err)
			return
		}
		if len(batch) == 0 && w.dying.Load() {
			return
		}
		for i, c := range batch {
			<-pace.C
			id, err := w.send(c)
			if i == dieAt && w.dying.Load() {
				return
			}
			if err := w.settle(c, id, err); err != nil {
				w.Errorf("the old worker: %v", err)
				return
			}
		}
		<-pace.C
	}
}

func (w *oldWorker) poll() ([]row, error) {
	rows, err := w.conn.Query(w.ctx, `
		UPDATE contacts SET hubspot_processing_status = 'Processing', hubspot_sync_status = 'Processing', updated_at = now()
		 WHERE id IN (SELECT id FROM contacts
		               WHERE hubspot_processing_status = 'Queued' AND (next_retry_at IS NULL OR next_retry_at <= now())
		               ORDER BY updated_at, id LIMIT 10 FOR UPDATE SKIP LOCKED)
		RETURNING id::text, email, coalesce(name, ''), coalesce(phone_number, ''), retry_count`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[row])
}

// send upserts one contact.
func (w *oldWorker) send(c row) (id string, err error) {
	body, err := json.Marshal(map[string]any{"inputs": []any{map[string]any{
		"id": c.Email, "idProperty": "email", "properties": propertiesOf(c),
	}}})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.api+"/crm/v3/objects/contacts/batch/upsert", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+progtest.GoodKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct{ Results []struct{ ID string } }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if len(answer.Results) != 1 {
		return "", fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return answer.Results[0].ID, nil
}

func propertiesOf(c row) map[string]string {
	return map[string]string{
		"firstname": c.Name, "phone": c.Phone, "scrapersky_sync_date": time.Now().UTC().Format(time.DateOnly),
	}
}

func (w *oldWorker) settle(c row, id string, failed error) error {
	if failed != nil {
		_, err := w.conn.Exec(w.ctx, `UPDATE contacts SET hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued',
			hubspot_processing_error = $2, retry_count = retry_count + 1, last_retry_at = now(), last_failed_crm = 'hubspot',
			next_retry_at = now() + interval '5 min' * 2 ^ retry_count, updated_at = now() WHERE id = $1`, c.ID, failed.Error())
		return err
	}
	_, err := w.conn.Exec(w.ctx, `UPDATE contacts SET hubspot_processing_status = 'Complete', hubspot_sync_status = 'Complete',
		hubspot_contact_id = $2, hubspot_synced_at = now(), hubspot_processing_error = NULL, next_retry_at = NULL, updated_at = now()
		WHERE id = $1`, c.ID, id)
	return err
}
