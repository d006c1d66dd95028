//go:build unix

package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// embeddedVersion is of the major version that the image has.
const embeddedVersion = embeddedpostgres.V17

// startEmbedded runs server programs that it downloads when they are first
// needed. The library only gets them: its own server would refuse to run for
// root, and would outlive an owner who is killed.
func startEmbedded(ctx context.Context, opts Options, password string) (*Server, error) {
	programs, err := fetchPrograms(ctx, opts)
	if err != nil {
		return nil, err
	}
	return startPrograms(ctx, opts, programs, password)
}

// fetchPrograms returns the folder of the downloaded programs. Of several
// processes that ask at the same time one downloads them for all.
func fetchPrograms(ctx context.Context, opts Options) (programs string, err error) {
	cache, err := opts.cache()
	if err != nil {
		return "", err
	}
	lock, err := lockFolder(ctx, cache, opts)
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, fmt.Sprintf("postgresql-%s-%s-%s", embeddedVersion, runtime.GOOS, runtime.GOARCH))
	programs = filepath.Join(home, "bin")
	if majorVersion(ctx, programs) >= oldest {
		return programs, lock.Close()
	}
	url := strings.TrimRight(cmp.Or(opts.BinariesURL, os.Getenv(BinariesURLVariable)), "/")
	from := cmp.Or(url, "Maven Central")
	opts.tell("Downloading PostgreSQL %s from %s (tens of megabytes). It is kept in %s, so only this time.", embeddedVersion, from, home)
	began := time.Now()
	stop := opts.waiting("PostgreSQL from " + from)
	defer stop()

	done := make(chan error, 1)
	go func() { // the library takes no context: whoever gives up leaves it behind
		defer func() { _ = lock.Close() }()
		done <- download(url, cache, home)
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("download PostgreSQL %s from %s: %w", embeddedVersion, from, err)
	}
	if majorVersion(ctx, programs) < oldest {
		return "", fmt.Errorf("the programs downloaded from %s to %s do not run here", from, programs)
	}
	opts.tell("PostgreSQL %s is downloaded and unpacked, after %s.", embeddedVersion, time.Since(began).Round(100*time.Millisecond))
	return programs, nil
}

// cache is where downloaded programs are kept. Another user runs them for root,
// who may not look into root's home.
func (o Options) cache() (string, error) {
	if o.Cache != "" {
		return o.Cache, nil
	}
	if os.Geteuid() == 0 {
		return "/var/cache/contactsync", nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "contactsync"), err
}

// download puts the programs into the folder home, all of them or none.
func download(url, cache, home string) error {
	work, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	unpacked := filepath.Join(work, "programs")
	if err := unpack(url, work, unpacked); err != nil {
		return err
	}
	if err := readable(unpacked); err != nil {
		return err
	}
	if err := os.RemoveAll(home); err != nil { // something that did not run
		return err
	}
	return os.Rename(unpacked, home)
}

// unpack has the library fetch and unpack the programs. It has no call for just
// that, only Start. So it finds a data folder with nothing but a version in it:
// it takes this for a cluster, and its attempt to start a server there fails at
// once. It makes the runtime folder between the two, so that folder says whether
// the programs are there.
func unpack(url, work, into string) error {
	runtimeDir, data := filepath.Join(work, "runtime"), filepath.Join(work, "no-cluster")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	major, _, _ := strings.Cut(string(embeddedVersion), ".")
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(major+"\n"), 0o600); err != nil {
		return err
	}
	config := embeddedpostgres.DefaultConfig().Version(embeddedVersion).Port(0).Logger(nil).
		CachePath(work).RuntimePath(runtimeDir).BinariesPath(into).DataPath(data)
	if url != "" {
		config = config.BinaryRepositoryURL(url)
	}
	library := embeddedpostgres.NewDatabase(config)
	err := library.Start()
	forgetLogs()
	runtime.KeepAlive(library)                // with its log file, which was to be found open
	http.DefaultClient.CloseIdleConnections() //nolint:forbidigo // it is what the library uses
	if err == nil {
		return errors.Join(errors.New("a server started in a folder without a cluster"), library.Stop())
	}
	if _, missing := os.Stat(runtimeDir); missing != nil {
		return err
	}
	return nil
}

// forgetLogs removes the log file that the library leaves in the temporary
// folder. It never says its name, but keeps it open.
func forgetLogs() {
	open, _ := filepath.Glob("/dev/fd/*") // the pattern is well-formed
	for _, fd := range open {
		name, err := os.Readlink(fd)
		if err == nil && strings.HasPrefix(filepath.Base(name), "embedded_postgres_log") {
			_ = os.Remove(name) // what stays is a few bytes
		}
	}
}

// readable lets everybody read a folder and run its programs, whatever the umask
// was when they were unpacked.
func readable(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}
