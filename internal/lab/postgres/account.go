//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is who runs the server when this process is root, because
// PostgreSQL refuses root. A nil account is ourselves.
type account struct{ uid, gid int }

func serverOwner() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // a nil account is ourselves and its methods work
	}
	// Packages of PostgreSQL bring the user postgres; a machine without one has nobody.
	owner, err := lookUp("postgres", "nobody")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and there is no other user to run it: %w", err)
	}
	return owner, nil
}

// lookUp returns the first of the users that exists.
func lookUp(names ...string) (*account, error) {
	var missing []error
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		uid, errUID := strconv.Atoi(u.Uid)
		gid, errGID := strconv.Atoi(u.Gid)
		if err := errors.Join(errUID, errGID); err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		return &account{uid: uid, gid: gid}, nil
	}
	return nil, errors.Join(missing...)
}

// own hands files to the account.
func (a *account) own(paths ...string) error {
	if a == nil {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, a.uid, a.gid); err != nil {
			return err
		}
	}
	return nil
}

// process makes a program run as the account, and in its own process group:
// a Ctrl-C in the terminal is for us, who then stop the server in order.
func (a *account) process() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}
