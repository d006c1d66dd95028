package process

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel end the process when this one is killed. A Ctrl-C
// in the terminal must reach this process alone, which stops its replicas in
// order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
