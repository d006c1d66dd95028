package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// maxKeyFile bounds what is read of a key's file, in bytes.
const maxKeyFile = 4096

// ReadKey reads a key from a file that holds nothing else. The error never
// quotes what the file holds.
func ReadKey(path string) (Secret, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would be waited for
	if err != nil {
		return Secret{}, fmt.Errorf("read the key: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() && !info.IsDir() { // a directory fails below, with its own error
		return Secret{}, errors.New("not a regular file; expected a file with the key alone in it")
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return Secret{}, fmt.Errorf("read the key: %w", err)
	}
	found := strings.TrimSpace(string(text))
	switch {
	case found == "":
		return Secret{}, errors.New("the file is empty; expected the key alone in it")
	case !key.MatchString(found):
		return Secret{}, errors.New("the file does not hold a key; expected the key alone in it, without a name and quotes")
	}
	return NewSecret(found), nil
}

// readKeyFile returns a key, from its file where one is set.
func (rep *report) readKeyFile(variable string, given Secret, path string) Secret {
	name := variable + "_FILE"
	if path == "" {
		return given
	}
	if !given.IsZero() {
		rep.add(name, false, "%s is set, too; set one of the two", variable)
		return given
	}
	found, err := ReadKey(path)
	if err != nil {
		rep.add(name, false, "%v", err)
	}
	return found
}
