//go:build !linux

package demo

import "os/exec"

// dieWithParent can promise nothing here: a demo that is killed leaves its
// replicas to end by themselves, when they find no database any more.
func dieWithParent(*exec.Cmd) {}
