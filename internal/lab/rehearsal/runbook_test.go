package rehearsal

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const root = "../../../"

// section is a heading of the runbook and the blocks of commands below it.
type section struct {
	anchor string
	blocks []string
}

// runbook reads docs/runbook.md.
func runbook(t *testing.T) (sections []section, text string) {
	t.Helper()
	data, err := os.ReadFile(root + "docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	var block *strings.Builder
	for line := range strings.Lines(string(data)) {
		switch {
		case block != nil && strings.HasPrefix(line, "```"):
			last := &sections[len(sections)-1]
			last.blocks = append(last.blocks, block.String())
			block = nil
		case block != nil:
			block.WriteString(line)
		case strings.HasPrefix(line, "```"):
			if line != "```sh\n" {
				t.Errorf("a block of another kind than sh is not run: %s", line)
			}
			block = &strings.Builder{}
		case strings.HasPrefix(line, "#"):
			sections = append(sections, section{anchor: anchorOf(line)})
		}
	}
	return sections, string(data)
}

// anchorOf is the place that a heading can be linked to, as GitHub makes it.
func anchorOf(heading string) string {
	slug := strings.ToLower(strings.TrimSpace(strings.TrimLeft(heading, "#")))
	slug = regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(slug, "")
	return strings.ReplaceAll(slug, " ", "-")
}

// commands are the blocks below a heading; there must be as many as the test
// knows how to prepare for.
func commands(t *testing.T, anchor string, n int) []string {
	t.Helper()
	sections, _ := runbook(t)
	for _, s := range sections {
		if s.anchor == anchor {
			if len(s.blocks) != n {
				t.Fatalf("%d blocks of commands below %s, want %d", len(s.blocks), anchor, n)
			}
			return s.blocks
		}
	}
	t.Fatalf("the runbook has no heading %s", anchor)
	return nil
}

// TestRunbookIsLinkedRight follows every link into the runbook, from wherever.
func TestRunbookIsLinkedRight(t *testing.T) {
	t.Parallel()
	sections, text := runbook(t)
	anchors := map[string]bool{}
	for _, s := range sections {
		if anchors[s.anchor] {
			t.Errorf("#%s is there twice", s.anchor)
		}
		anchors[s.anchor] = true
	}
	links := 0
	follow := func(file, text, pattern string) {
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			links++
			if !anchors[match[1]] {
				t.Errorf("%s links to the runbook's #%s, which is not there", file, match[1])
			}
		}
	}
	follow("docs/runbook.md", text, `\]\(#([^)]+)\)`)
	for _, file := range files(t) {
		data, err := os.ReadFile(root + file)
		if err != nil {
			t.Fatal(err)
		}
		follow(file, string(data), `runbook\.md#([a-z0-9-]+)`)
	}
	if links < 10 {
		t.Errorf("only %d links", links)
	}
}

// files are those that may link to the runbook.
func files(t *testing.T) (list []string) {
	t.Helper()
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := os.ReadDir(root + dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			switch name := e.Name(); {
			case name == ".git" || name == "bin" || name == "testdata":
			case e.IsDir():
				walk(dir + name + "/")
			case regexp.MustCompile(`\.(md|yml|yaml|json|go|html|service)$`).MatchString(name) && name != "runbook_test.go":
				list = append(list, dir+name)
			}
		}
	}
	walk("")
	return list
}
