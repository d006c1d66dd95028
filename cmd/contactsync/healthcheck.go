package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/config"
)

// healthTimeout is less than what container engines usually allow.
const healthTimeout = 3 * time.Second

func newHealthcheckCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the process beside this one whether it is alive",
		Long: `Ask the contactsync on this machine, or in this container, whether it is alive: GET /healthz at the address
that HTTP_ADDR and PORT name. Exit code 0 if it is, 1 if not. It is there for images that have no shell and no curl.`,
		Example: `  contactsync healthcheck
  HEALTHCHECK CMD ["/contactsync", "healthcheck"]    # in a Dockerfile`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load[config.HTTP](cmd.Context(), p, settingsFile)
			if err != nil {
				return err
			}
			url, err := healthURL(cfg.Addr)
			if err != nil {
				return err
			}
			if err := checkHealth(cmd.Context(), url); err != nil {
				return fmt.Errorf("%w (is `contactsync run` up, with the same HTTP_ADDR and PORT?)", err)
			}
			_, err = say(p.stdout, "ok\n")
			return err
		},
	}
}

// healthURL is where the process that listens on addr can be reached from here.
func healthURL(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("health check: %w", err)
	}
	if port == "0" {
		return "", usagef("port 0 means any free port, which another process cannot know: set HTTP_ADDR to the one in the log of `contactsync run`")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return "http://" + net.JoinHostPort(host, port) + "/healthz", nil
}

func checkHealth(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("health check: %w", err)
	}
	transport := &http.Transport{DisableKeepAlives: true} // and no proxy
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("health check: %s does not answer: %w", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<10)) // the status says it all
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health check: %s answers %s", url, response.Status)
	}
	return nil
}
