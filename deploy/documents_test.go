package deploy

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// What a document can name: a path from the root of the repository, a file by its
// name alone, a link, a test and a target of make.
var (
	repositoryPath = regexp.MustCompile(`\b(?:cmd|deploy|docs|internal|migrations|triggers)/[\w./{},*-]*[\w}]|\.(?:ci|github)/\w+`)
	fileName       = regexp.MustCompile("`([\\w.-]+\\.(?:go|sql|pml|js|css|html|yml|yaml))`")
	elsewhere      = regexp.MustCompile(`\b[\w-]+\.(?:com|dev|io|org)/\S+`) // whose paths are not ours
	relativeLink   = regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)
	testName       = regexp.MustCompile(`\bTest[A-Z]\w*`)
	makeTarget     = regexp.MustCompile("(?m)(?:`|^)make ([a-z-]+)")
)

// notFiles look like paths and are names of something else.
var notFiles = []string{"deploy/contactsync"} // a Deployment, as kubectl writes it

// Documents are read when something is to be found or repaired; a name that leads
// nowhere costs the reader's trust in all others.
func TestDocumentsNameWhatExists(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	const root = ".."
	names, tests := inventory(t, root)
	makefile := string(read(t, filepath.Join(root, "Makefile")))

	documents := []string{"README.md", ".env.example"}
	for _, pattern := range []string{"docs/*.md", "deploy/*/*.md", "internal/lab/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no documents %s (%v)", pattern, err)
		}
		for _, file := range found {
			documents = append(documents, strings.TrimPrefix(filepath.ToSlash(file), root+"/"))
		}
	}
	for _, document := range documents {
		text := string(read(t, filepath.Join(root, document)))
		for _, name := range repositoryPath.FindAllString(elsewhere.ReplaceAllString(text, ""), -1) {
			for _, one := range alternatives(name) {
				if found, err := filepath.Glob(filepath.Join(root, one)); (err != nil || len(found) == 0) && !slices.Contains(notFiles, one) {
					t.Errorf("%s names the path %s, which does not exist", document, one)
				}
			}
		}
		for _, link := range relativeLink.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, path.Dir(document), link[1])); err != nil {
				t.Errorf("%s links to %s, which does not exist", document, link[1])
			}
		}
		for _, name := range fileName.FindAllStringSubmatch(text, -1) {
			if !names[name[1]] {
				t.Errorf("%s names the file %s, which does not exist", document, name[1])
			}
		}
		for _, name := range testName.FindAllString(text, -1) {
			if !slices.ContainsFunc(tests, func(test string) bool { return strings.HasPrefix(test, name) }) {
				t.Errorf("%s names the test %s, which does not exist", document, name)
			}
		}
		for _, target := range makeTarget.FindAllStringSubmatch(text, -1) {
			if !strings.Contains("\n"+makefile, "\n"+target[1]+":") {
				t.Errorf("%s names make %s, which the Makefile does not have", document, target[1])
			}
		}
	}
}

// alternatives writes {a,b} out: internal/{a,b} is internal/a and internal/b.
func alternatives(name string) []string {
	before, rest, some := strings.Cut(name, "{")
	inner, after, closed := strings.Cut(rest, "}")
	if !some || !closed {
		return []string{strings.TrimRight(before, ",.-")}
	}
	var all []string
	for part := range strings.SplitSeq(inner, ",") {
		all = append(all, alternatives(before+part+after)...)
	}
	return all
}

// inventory returns the names of all files of the repository, and of all tests.
func inventory(t *testing.T, root string) (names map[string]bool, tests []string) {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	names = map[string]bool{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && entry.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		names[entry.Name()] = true
		if strings.HasSuffix(file, "_test.go") {
			for _, match := range declared.FindAllSubmatch(read(t, file), -1) {
				tests = append(tests, string(match[1]))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, tests
}
