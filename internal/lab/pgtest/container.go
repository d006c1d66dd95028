package pgtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/scrapersky/contactsync/internal/lab/postgres"
)

// container runs the tests' server.
func container(ctx context.Context, image string, env, args []string) (_ *postgres.Container, err error) {
	defer func() {
		// The library panics where it finds no engine to talk to.
		if cause := recover(); cause != nil {
			err = fmt.Errorf("no usable engine: %v", cause)
		}
	}()
	tclog.SetDefault(tclog.NewNoopLogger()) // it would print a banner
	settings := map[string]string{}
	for _, setting := range env {
		name, value, _ := strings.Cut(setting, "=")
		settings[name] = value
	}
	c, err := testcontainers.Run(ctx, image,
		testcontainers.WithEnv(settings), testcontainers.WithCmd(args...),
		testcontainers.WithExposedPorts("5432/tcp"),
		testcontainers.WithWaitStrategy(wait.ForExposedPort()),
	)
	stop := func() error {
		return testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0))
	}
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	host, err := c.Host(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("container's host: %w", err), stop())
	}
	port, err := c.MappedPort(ctx, "5432/tcp")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("container's port: %w", err), stop())
	}
	return &postgres.Container{ID: c.GetContainerID(), Host: host, Port: port.Port(), Stop: stop}, nil
}
