package faults

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// get asks a process's own HTTP server something that must go well.
func get(t *testing.T, url string) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d, error %v: %s", url, res.StatusCode, err, body)
	}
}
