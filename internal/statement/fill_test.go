package statement_test

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/statement"
)

func TestFill(t *testing.T) {
	t.Parallel()
	pieces := map[string]string{"version": "md5(ROW(c.id{{extra}})::text)", "extra": ", c.x", "none": ""}
	set := statement.Set{"a": "SELECT {{version}}, ARRAY[{{none}}], {{version}}", "b": "SELECT '{}'"}.Fill(pieces)
	if want := "SELECT md5(ROW(c.id, c.x)::text), ARRAY[], md5(ROW(c.id, c.x)::text)"; set["a"] != want {
		t.Errorf("a = %q, want %q", set["a"], want)
	}
	if set["b"] != "SELECT '{}'" {
		t.Errorf("b = %q", set["b"])
	}
	panics(t, "a place without a piece", func() { statement.Fill("{{nothing}}", pieces) })
}

func TestMerge(t *testing.T) {
	t.Parallel()
	one, two := statement.Set{"a": "1"}, statement.Set{"b": "2"}
	if got := statement.Merge(one, two); len(got) != 2 || len(one) != 1 {
		t.Errorf("merged %v of %v", got, one)
	}
	panics(t, "a name that is there twice", func() { statement.Merge(one, one) })
}

func panics(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}
