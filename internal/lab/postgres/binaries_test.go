package postgres_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/postgres"
)

// repository serves an archive of server programs as a Maven repository does,
// under whatever version, and its checksum.
type repository struct {
	*httptest.Server

	jar      []byte // nil: there is no such version
	checksum string

	mu    sync.Mutex
	paths []string
}

func serveBinaries(t *testing.T, jar []byte) *repository {
	t.Helper()
	sum := sha256.Sum256(jar)
	r := &repository{jar: jar, checksum: hex.EncodeToString(sum[:])}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *repository) serve(w http.ResponseWriter, request *http.Request) {
	path := request.URL.Path
	r.mu.Lock()
	r.paths = append(r.paths, path)
	r.mu.Unlock()
	switch {
	case r.jar == nil || !strings.HasPrefix(path, "/io/zonky/test/postgres/embedded-postgres-binaries-"):
		http.NotFound(w, request)
	case strings.HasSuffix(path, ".jar.sha256"):
		_, _ = w.Write([]byte(r.checksum))
	case strings.HasSuffix(path, ".jar"):
		_, _ = w.Write(r.jar)
	default:
		http.NotFound(w, request)
	}
}

// served counts the requests for paths with that end.
func (r *repository) served(suffix string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, path := range r.paths {
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	return n
}

// binaries is an archive of the programs installed on this machine. A program
// of Debian's finds its files beside itself when the folders around it are
// called as they were; so the archive has these, and links to the programs where
// the library looks for them.
func binaries(t *testing.T) []byte {
	t.Helper()
	programs, err := postgres.FindPrograms(t.Context())
	if err != nil {
		t.Fatal("this test makes an archive of the installed server programs: ", err)
	}
	postgres, err := filepath.EvalSymlinks(filepath.Join(programs, "postgres")) // the PATH may have but links
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Dir(filepath.Dir(postgres))
	prefix, version, debian := strings.Cut(root, "/lib/postgresql/")
	if !debian {
		return jarOf(t, tarOf(t, root, "bin", "lib", "share"))
	}
	links := t.TempDir()
	if err := os.Mkdir(filepath.Join(links, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"initdb", "pg_ctl", "postgres"} {
		if err := os.Symlink("../lib/postgresql/"+version+"/bin/"+program, filepath.Join(links, "bin", program)); err != nil {
			t.Fatal(err)
		}
	}
	lib := "lib/postgresql/" + version
	return jarOf(t, tarOf(t, prefix, "--exclude=bitcode", lib+"/bin/initdb", lib+"/bin/pg_ctl", lib+"/bin/postgres", lib+"/lib",
		"--exclude=man", "share/postgresql/"+version, "-C", links, "bin"))
}

// archiveOf is an archive of programs with these texts.
func archiveOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return jarOf(t, tarOf(t, dir, "."))
}

// tarOf is a .txz of files in a folder; Go only reads this format.
func tarOf(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("xz"); err != nil {
		t.Fatal("this test needs xz (Debian and Ubuntu: apt install xz-utils; macOS: brew install xz): ", err)
	}
	cmd := exec.CommandContext(t.Context(), "tar", append([]string{"-C", dir, "-cJf", "-"}, args...)...)
	cmd.Env = append(os.Environ(), "XZ_OPT=-0")
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		t.Fatalf("tar: %v: %s", err, problem.String())
	}
	return out.Bytes()
}

// jarOf wraps a .txz as the repository has it.
func jarOf(t *testing.T, txz []byte) []byte {
	t.Helper()
	var jar bytes.Buffer
	archive := zip.NewWriter(&jar)
	entry, err := archive.CreateHeader(&zip.FileHeader{Name: "postgres.txz", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Write(txz); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}
