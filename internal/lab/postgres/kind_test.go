package postgres

import (
	"slices"
	"testing"
)

// Who needs a process of this machine gets one with Go alone, too.
func TestKindIncludes(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind][]Kind{
		Any: {Docker, Local, Embedded}, Docker: {Docker}, Local: {Local, Embedded}, Embedded: {Embedded}, "mainframe": {},
	} {
		var got []Kind
		for _, other := range []Kind{Docker, Local, Embedded} {
			if kind.includes(other) {
				got = append(got, other)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q includes %q, want %q", kind, got, want)
		}
	}
}

// A machine without a package of PostgreSQL has no user postgres.
func TestLookUp(t *testing.T) {
	t.Parallel()
	owner, err := lookUp("no-such-user-here", "nobody")
	if err != nil || owner.uid == 0 {
		t.Errorf("got %+v, %v; want nobody, who is not root", owner, err)
	}
	if _, err := lookUp("no-such-user-here"); err == nil {
		t.Error("a user who does not exist was found")
	}
}
