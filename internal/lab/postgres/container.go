package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// image is the server that the tests and the demo mean; compose uses it too.
const image = "postgres:17-alpine"

// Container is a server that runs in Docker.
type Container struct {
	ID         string
	Host, Port string       // where its port 5432 is published
	Stop       func() error // removes it, with its data
}

// Runner starts a container with an environment (NAME=value) and arguments, its
// port 5432 published on a free port. On an error it leaves none behind.
type Runner func(ctx context.Context, image string, env, args []string) (*Container, error)

// startContainer runs the server in Docker. An engine that has not the image
// and cannot pull it within three minutes counts as none.
func startContainer(ctx context.Context, opts Options, password string) (*Server, error) {
	started, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	run := opts.Runner
	if run == nil {
		run = dockerCommand
	}
	// An engine may be slow to say that it cannot pull.
	defer opts.waiting("Docker to run " + image + ", which it pulls if it has not got it")()
	container, err := run(started, image, []string{"POSTGRES_PASSWORD=" + password}, append([]string{"postgres"}, opts.flags()...))
	if err != nil {
		return nil, err
	}
	release := watchContainer(ctx, container.ID)
	stop := func() error {
		defer release()
		return container.Stop()
	}
	// While it sets itself up, the server answers on no network.
	url := serverURL(container.Host, container.Port, password)
	if err := waitReady(started, url, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("container: %w", err), stop())
	}
	return &Server{URL: url, Info: image, stop: stop}, nil
}
