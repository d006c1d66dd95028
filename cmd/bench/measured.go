package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// product is the name of the program to measure, as it is built and as it calls
// itself.
const product = "contactsync"

// findProgram returns the path of the contactsync to measure: the one named, else
// the one beside this program, else the one on PATH.
func findProgram(named string) (string, error) {
	if named != "" {
		return lookPath(named)
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	beside := filepath.Join(filepath.Dir(self), product)
	for _, candidate := range []string{beside, product} {
		path, err := lookPath(candidate)
		if err == nil || !isMissing(err) {
			return path, err
		}
	}
	return "", fmt.Errorf("no %s to measure: neither %s nor one on PATH; run `make build`, or name one with --program", product, beside)
}

// lookPath is exec.LookPath with an absolute answer: replicas run in a folder of
// their own.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find the program to measure: %w", err)
	}
	return filepath.Abs(path)
}

func isMissing(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}

// versionOf asks a contactsync for its version.
func versionOf(ctx context.Context, path string) (string, error) {
	out, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	version, found := strings.CutPrefix(strings.TrimSpace(string(out)), product+" ")
	if !found {
		return "", fmt.Errorf("%s is not %s: asked for its version, it says %.80q", path, product, out)
	}
	return version, nil
}
