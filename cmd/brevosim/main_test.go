package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

var listening = regexp.MustCompile(`addr=(127\.0\.0\.1:\d+)`)

func (l *lines) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := listening.FindStringSubmatch(l.text.String()); m != nil {
		return m[1]
	}
	return ""
}

// It serves an account until it is told to stop.
func TestRun(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	log, ended := &lines{}, make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-key", "k", "-lists", "30", "-latency", "0s"}, slog.New(slog.NewTextHandler(log, nil)))
	}()
	for log.address() == "" {
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+log.address()+"/contacts", strings.NewReader(`{"email":"a@example.org","listIds":[30]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Api-Key", "k")
	r.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusCreated || string(body) != `{"id":101}` {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), []string{"-lists", "news"}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "news") {
		t.Error(err)
	}
}
