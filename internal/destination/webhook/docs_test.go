package webhook_test

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/destination/webhook"
)

// The receiver of docs/webhook.md takes what is signed with its secret, prints it once
// however often it comes, and refuses the rest.
func TestTheReceiverOfTheDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(page)
	if code == nil {
		t.Fatal("docs/webhook.md has no Go code")
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "receiver")
	if err := os.WriteFile(source, code[1], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	receiver := exec.CommandContext(t.Context(), program)
	receiver.Env = []string{"SECRET=" + testSecret, "ADDR=" + address}
	printed, err := receiver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(printed)
	awaitServing(t, "http://"+address+"/")

	client := func(secret string) *webhook.Client {
		c, err := webhook.New(webhook.Options{URL: "http://" + address + "/contacts", Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	check(t, client("whsec_b3RoZXIgc2VjcmV0").Upsert(t.Context(), people(1)), "1 retry UNAUTHORIZED forgiving, pause UNAUTHORIZED")
	c := client(testSecret)
	check(t, c.Upsert(t.Context(), people(1)), "1 synced")
	check(t, c.Upsert(t.Context(), people(1)), "1 synced") // a double
	check(t, c.Upsert(t.Context(), people(2)[1:]), "1 synced")
	for _, want := range []string{`"contact_id":"c0"`, `"contact_id":"c1"`} {
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Errorf("printed %q, want %s", lines.Text(), want)
		}
	}
	old, err := webhook.New(webhook.Options{
		URL: "http://" + address + "/contacts", Secret: testSecret,
		Now: func() time.Time { return time.Now().Add(-time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	check(t, old.Upsert(t.Context(), people(1)), "1 retry UNAUTHORIZED forgiving, pause UNAUTHORIZED")
	_ = receiver.Process.Kill()
	_ = receiver.Wait()
}

// awaitServing waits until somebody answers.
func awaitServing(t *testing.T, url string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			_ = res.Body.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}
