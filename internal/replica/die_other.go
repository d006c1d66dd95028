//go:build !linux

package replica

import "os/exec"

// dieWithParent can promise nothing here: when this process is killed, its
// replicas end by themselves only when they find no database any more.
func dieWithParent(*exec.Cmd) {}
