package demo

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel end the process when the demo is killed. A
// Ctrl-C in the terminal must reach the demo alone, which stops its replicas in
// order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
