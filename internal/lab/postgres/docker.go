package postgres

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// stopMost bounds the wait for a server that was told to stop. A machine may be busy.
const stopMost = 2 * time.Minute

// dockerCommand is a Runner that needs nothing but the docker command, so that
// the program does not carry a container library for the sake of its demo.
func dockerCommand(ctx context.Context, image string, env, args []string) (*Container, error) {
	command := []string{"run", "--detach", "--rm", "--publish", "127.0.0.1::5432"}
	for _, setting := range env {
		name, _, _ := strings.Cut(setting, "=")
		command = append(command, "--env", name) // its value comes from our own environment, not from the list of processes
	}
	id, err := docker(ctx, env, append(append(command, image), args...)...)
	if err != nil {
		return nil, err
	}
	stop := func() error {
		// The start's context may have ended; the container must go all the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopMost)
		defer cancel()
		_, err := docker(ctx, nil, "rm", "--force", "--volumes", id)
		return err
	}
	published, err := docker(ctx, nil, "port", id, "5432/tcp")
	if err != nil {
		_ = stop()
		return nil, err
	}
	first, _, _ := strings.Cut(published, "\n")
	host, port, err := net.SplitHostPort(first)
	if err != nil {
		_ = stop()
		return nil, fmt.Errorf("docker port: %w", err)
	}
	return &Container{ID: id, Host: host, Port: port, Stop: stop}, nil
}

func docker(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), env...)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, strings.TrimSpace(problem.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
