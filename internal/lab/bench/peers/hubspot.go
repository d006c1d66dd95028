package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// hubspot upserts one contact a request, as a job does that knows of no other.
type hubspot struct {
	client *http.Client
	url    string
	token  string
}

func newHubSpot(at place) *hubspot {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 1000
	return &hubspot{
		client: &http.Client{Transport: transport, Timeout: 30 * time.Second},
		url:    at.hubspot + "/crm/objects/2026-09/contacts/batch/upsert", token: at.token,
	}
}

func (h *hubspot) upsert(ctx context.Context, email, name string) error {
	first, last, _ := strings.Cut(name, " ")
	body, err := json.Marshal(map[string]any{"inputs": []any{map[string]any{
		"id": email, "idProperty": "email", "objectWriteTraceId": "1",
		"properties": map[string]string{"firstname": first, "lastname": last},
	}}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := h.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	err = errors.Join(err, res.Body.Close())
	if err == nil && res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated {
		err = fmt.Errorf("HubSpot answered %s", res.Status)
	}
	return err
}
