package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// patience bounds one run of the chosen tests of one package, for the case that
// a break makes a test hang.
const patience = 3 * time.Minute

// tree is a copy of the module that may be broken.
type tree struct {
	dir string // where its go.mod is
	bin string // where its test binaries are built
}

// copyTree copies what git knows of, and what it does not know of yet but does
// not ignore either.
func copyTree(ctx context.Context) (t tree, remove func(), err error) {
	root, err := output(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return tree{}, nil, err
	}
	from := strings.TrimSpace(root)
	list, err := output(ctx, from, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return tree{}, nil, err
	}
	temp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return tree{}, nil, err
	}
	remove = func() { _ = os.RemoveAll(temp) } // what is left of a temporary directory harms nobody
	// The tests look for server programs as another user when they run as root.
	if err := os.Chmod(temp, 0o755); err != nil {
		remove()
		return tree{}, nil, err
	}
	t = tree{dir: filepath.Join(temp, "tree"), bin: filepath.Join(temp, "bin")}
	for name := range strings.SplitSeq(strings.TrimRight(list, "\x00"), "\x00") {
		if err := copyFile(filepath.Join(from, name), filepath.Join(t.dir, name)); err != nil {
			remove()
			return tree{}, nil, err
		}
	}
	return t, remove, nil
}

// copyFile leaves out what git still lists and is deleted.
func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

// passes makes sure that the tests exist and pass while nothing is broken.
func (t tree) passes(ctx context.Context, chosen []mutation) error {
	wanted := map[string][]string{}
	var order []string
	for _, m := range chosen {
		if wanted[m.pkg] == nil {
			order = append(order, m.pkg)
		}
		wanted[m.pkg] = append(wanted[m.pkg], m.tests...)
	}
	for _, pkg := range order {
		tests := slices.Compact(slices.Sorted(slices.Values(wanted[pkg])))
		if err := t.build(ctx, pkg); err != nil {
			return err
		}
		said, err := t.test(ctx, pkg, tests)
		if err != nil {
			return fmt.Errorf("the tests of %s fail although nothing is broken: %w\n%s", pkg, err, said)
		}
		for _, test := range tests {
			if !strings.Contains(said, "--- PASS: "+test+" ") {
				return fmt.Errorf("%s has no test %s, or skips it", pkg, test)
			}
		}
	}
	return nil
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)|^\s+running tests:\s+(\w+)`)

// notices breaks the copy, runs the tests and mends it again. It answers the
// test that failed, or that was hanging when the patience was over; nothing when
// all passed.
func (t tree) notices(ctx context.Context, m mutation) (test string, err error) {
	path := filepath.Join(t.dir, m.file)
	sound, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	broken, err := m.apply(string(sound))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, []byte(broken), 0o644); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.WriteFile(path, sound, 0o644)) }()
	if err := t.build(ctx, m.pkg); err != nil {
		return "", err
	}
	said, err := t.test(ctx, m.pkg, m.tests)
	if err == nil {
		return "", nil
	}
	if found := failed.FindStringSubmatch(said); found != nil && ctx.Err() == nil {
		return found[1] + found[2], nil
	}
	return "", fmt.Errorf("the tests ended without a verdict: %w\n%s", err, said)
}

func (t tree) binary(pkg string) string {
	return filepath.Join(t.bin, strings.ReplaceAll(pkg, "/", "-"))
}

// build compiles the tests of a package, so that a break that does not compile
// is not taken for one that is noticed.
func (t tree) build(ctx context.Context, pkg string) error {
	_, err := output(ctx, t.dir, "go", "test", "-c", "-o", t.binary(pkg), "./"+pkg)
	return err
}

func (t tree) test(ctx context.Context, pkg string, tests []string) (said string, err error) {
	return output(ctx, filepath.Join(t.dir, pkg), t.binary(pkg), "-test.v", "-test.failfast",
		"-test.timeout="+patience.String(), "-test.run=^("+strings.Join(tests, "|")+")$")
}

// output runs a program to its end, and answers what it printed; where it failed,
// also what it printed as errors.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // lets tests take their servers down
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Run(); err != nil {
		return stdout.String() + stderr.String(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}
