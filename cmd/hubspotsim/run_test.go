package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/scrapersky/contactsync/internal/lab/needs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noEnv(string) (string, bool) { return "", false }

func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

var listening = regexp.MustCompile(`addr\S*=\S*?(127\.0\.0\.1:\d+)`)

// address reads the log up to the line that names the address.
func address(t *testing.T, log *bufio.Reader) string {
	t.Helper()
	for {
		line, err := log.ReadString('\n')
		if match := listening.FindStringSubmatch(line); match != nil {
			return match[1]
		}
		if err != nil {
			t.Fatalf("no address in the log: %q, %v", line, err)
		}
	}
}

// fetch asks for url, on a connection of its own.
func fetch(ctx context.Context, url, token string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), err
}

func get(t *testing.T, url, token string) (status int, body string) {
	t.Helper()
	status, body, err := fetch(t.Context(), url, token)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

// TestProcess starts the built program, uses it and stops it with SIGTERM while
// a request hangs.
func TestProcess(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	program := filepath.Join(t.TempDir(), "hubspotsim")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	process := exec.CommandContext(t.Context(), program, "-addr", "127.0.0.1:0", "-rate", "100")
	process.Env = append(os.Environ(), "HUBSPOTSIM_TOKEN=from-env", "HUBSPOTSIM_PORTAL=77", "HUBSPOTSIM_RATE=5")
	stderr, err := process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(stderr)
	addr := address(t, log)

	status, body := get(t, "http://"+addr+"/account-info/2026-09/details", "from-env")
	if status != http.StatusOK || !strings.Contains(body, `"portalId":77`) {
		t.Errorf("account-info: %d %s", status, body)
	}
	if status, _ := get(t, "http://"+addr+"/account-info/2026-09/details", "other"); status != http.StatusUnauthorized {
		t.Errorf("with another token: %d", status)
	}
	if out, err := exec.CommandContext(t.Context(), program, "-healthcheck", "-addr", addr).CombinedOutput(); err != nil {
		t.Errorf("healthcheck: %v\n%s", err, out)
	}

	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("stopped by SIGTERM: %v", err)
	}
	if lines := strings.Count(string(rest), "/account-info/2026-09/details"); lines != 2 || !bytes.Contains(rest, []byte("has stopped")) {
		t.Errorf("log:\n%s", rest)
	}
	if err := exec.CommandContext(t.Context(), program, "-healthcheck", "-addr", addr).Run(); err == nil {
		t.Error("the healthcheck of a stopped simulator succeeded")
	} else if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitFailed {
		t.Errorf("healthcheck: %v", err)
	}
}

// TestStopLetsHangingRequestsGo stops the program while a request hangs.
func TestStopLetsHangingRequestsGo(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"-addr", "127.0.0.1:0"}, noEnv, writer)
		writer.Close()
	}()
	log := bufio.NewReader(reader)
	base := "http://" + address(t, log)
	go func() { _, _ = io.Copy(io.Discard, log) }()

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/_sim/faults", strings.NewReader(`{"mode":"hang"}`))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()

	answered := make(chan int, 1)
	go func() {
		status, _, err := fetch(t.Context(), base+"/account-info/v3/details", "simulator")
		if err != nil {
			t.Errorf("the request that hung: %v", err)
		}
		answered <- status
	}()
	for { // until the request hangs
		if _, body := get(t, base+"/_sim/stats", ""); strings.Contains(body, `"requests":1`) {
			break
		}
	}
	stop()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the request that hung: %d", status)
	}
	if got := <-code; got != exitDone {
		t.Errorf("exit code %d", got)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // after the parallel subtests
	tests := map[string]struct {
		args []string
		env  map[string]string
		code int
		says []string
	}{
		"help":           {[]string{"-help"}, nil, exitDone, []string{"-healthcheck", "-token"}},
		"unknown flag":   {[]string{"-nonsense"}, nil, exitUsage, []string{"-nonsense"}},
		"argument":       {[]string{"serve"}, nil, exitUsage, []string{"serve"}},
		"time zone":      {[]string{"-time-zone", "Mars/Olympus"}, nil, exitUsage, []string{"time-zone", "Mars/Olympus"}},
		"negative":       {[]string{"-rate", "-1"}, nil, exitUsage, []string{"negative"}},
		"environment":    {nil, map[string]string{"HUBSPOTSIM_RATE": "x", "HUBSPOTSIM_LATENCY": "y"}, exitUsage, []string{"HUBSPOTSIM_RATE", "HUBSPOTSIM_LATENCY"}},
		"address taken":  {[]string{"-addr", taken.Addr().String()}, nil, exitFailed, []string{"listen"}},
		"health of junk": {[]string{"-healthcheck", "-addr", "nowhere"}, nil, exitFailed, []string{"address"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(t.Context(), test.args, env(test.env), &out); code != test.code {
				t.Errorf("exit code %d, want %d\n%s", code, test.code, out.String())
			}
			for _, text := range test.says {
				if !strings.Contains(out.String(), text) {
					t.Errorf("%q is missing in\n%s", text, out.String())
				}
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	got, err := parse([]string{"-rate", "7"}, env(map[string]string{
		"HUBSPOTSIM_RATE": "5", "HUBSPOTSIM_TIME_ZONE": "Europe/Berlin", "HUBSPOTSIM_LATENCY": "20ms", "HUBSPOTSIM_BARE": "true",
		"HUBSPOTSIM_TOKEN": "",
	}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		addr: "127.0.0.1:8090", token: "simulator", portal: 1234567, timeZone: "Europe/Berlin", latency: 20_000_000, rate: 7,
		keep: 20_000, bare: true,
	}
	if got != want {
		t.Errorf("settings are %+v, want %+v", got, want)
	}
	if _, err := parse([]string{"-h"}, noEnv, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("help: %v", err)
	}
}
