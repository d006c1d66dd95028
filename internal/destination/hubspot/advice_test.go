package hubspot

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Every code has advice of its own, and docs/codes.md says the same.
func TestAdvice(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/codes.md")
	if err != nil {
		t.Fatal(err)
	}
	other := Advice.For(contact.CodeOther)
	for _, code := range contact.Codes() {
		advice := Advice.For(code)
		if advice.Means == "" || advice.Do == "" || code != contact.CodeOther && advice == other {
			t.Errorf("%s has no advice: %+v", code, advice)
		}
		alone := ""
		if advice.Alone {
			alone = "yes"
		}
		if row := fmt.Sprintf("| `%s` | %s | %s | %s |\n", code, advice.Means, advice.Do, alone); !strings.Contains(string(page), row) {
			t.Errorf("docs/codes.md lacks\n%s", row)
		}
	}
	if rows := strings.Count(string(page), "\n| `"); rows != len(contact.Codes()) {
		t.Errorf("docs/codes.md has %d codes, want %d", rows, len(contact.Codes()))
	}
	if Advice.For("WHATEVER") != other {
		t.Error("a code that nobody knows is not OTHER")
	}
}
