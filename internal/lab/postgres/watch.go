//go:build unix

package postgres

import (
	"context"
	"os/exec"
	"syscall"
)

// watchContainer removes the container when this process is gone without
// having done so, even by SIGKILL. It is a second line behind the library's
// own reaper, which some engines cannot run, and does nothing where there is
// no docker command. Release ends the watch; the container is expected to be
// gone by then.
func watchContainer(ctx context.Context, id string) (release func()) {
	docker, err := exec.LookPath("docker")
	if err != nil {
		return func() {}
	}
	watch := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c",
		`trap '' HUP INT TERM; cat >/dev/null; exec "$1" rm --force --volumes "$2" >/dev/null 2>&1`, "watch", docker, id)
	watch.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	hold, err := watch.StdinPipe()
	if err != nil {
		return func() {}
	}
	if err := watch.Start(); err != nil {
		_ = hold.Close()
		return func() {}
	}
	return func() {
		_ = hold.Close()
		_ = watch.Wait() // removing what is gone already fails, and may
	}
}
