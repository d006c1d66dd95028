package throwaway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"
)

// image is the server that the tests and the demo mean; compose uses it too.
const image = "postgres:17-alpine"

// startContainer runs the server in Docker. An engine that has not the image
// and cannot pull it within three minutes counts as none.
func startContainer(ctx context.Context, opts Options, password string) (_ *Server, err error) {
	defer func() {
		// The library panics where it finds no engine to talk to.
		if cause := recover(); cause != nil {
			err = fmt.Errorf("no usable engine: %v", cause)
		}
	}()
	tclog.SetDefault(tclog.NewNoopLogger()) // it would print a banner; what matters is logged by Start
	started, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()

	container, err := testcontainers.Run(started, image,
		testcontainers.WithEnv(map[string]string{"POSTGRES_PASSWORD": password}),
		testcontainers.WithCmd(append([]string{"postgres"}, opts.flags()...)...),
		testcontainers.WithExposedPorts("5432/tcp"),
		// The first "ready" is that of the entrypoint's own short-lived server.
		testcontainers.WithWaitStrategy(
			wait.ForLog("database system is ready to accept connections").WithOccurrence(2).WithPollInterval(50*time.Millisecond)),
	)
	stop := func() error {
		// The start's context may have ended; the container must go all the same.
		return testcontainers.TerminateContainer(container, testcontainers.StopTimeout(0))
	}
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	release := watchContainer(ctx, container.GetContainerID())
	url, err := containerURL(started, container, password)
	if err != nil {
		err = errors.Join(err, stop())
		release()
		return nil, err
	}
	return &Server{URL: url, Kind: Docker, Info: image, stop: func() error {
		defer release()
		return stop()
	}}, nil
}

func containerURL(ctx context.Context, container testcontainers.Container, password string) (string, error) {
	host, err := container.Host(ctx)
	if err != nil {
		return "", fmt.Errorf("container's host: %w", err)
	}
	port, err := container.MappedPort(ctx, "5432/tcp")
	if err != nil {
		return "", fmt.Errorf("container's port: %w", err)
	}
	url := serverURL(host, port.Port(), password)
	return url, waitReady(ctx, url, nil)
}
