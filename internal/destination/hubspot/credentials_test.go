package hubspot

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// A key that is revoked while its successor is there already costs nothing: what
// was refused goes once more.
func TestAReplacedKeyIsTakenUp(t *testing.T) {
	t.Parallel()
	var key atomic.Pointer[string]
	set := func(text string) { key.Store(&text) }
	set(testToken)
	p := inMemory(t, simOptions(), func(o *Options) {
		o.PortalID = testPortal
		o.Reread = func() (string, error) {
			if *key.Load() == "" {
				return "", errors.New("no such file")
			}
			return *key.Load(), nil
		}
	})
	check(t, p.Upsert(t.Context(), people(3)), "3 synced")

	set("pat-eu1-the-second-key")
	p.SetToken("pat-eu1-the-second-key")
	r := p.Upsert(t.Context(), people(3))
	check(t, r, "3 synced")
	if r.Requests != 3 {
		t.Errorf("%d requests, want the refused one, whose the new key is, and its repetition", r.Requests)
	}
	if changed, err := p.Refresh(t.Context()); changed || err != nil {
		t.Errorf("an unchanged key: %t, %v", changed, err)
	}
	for _, bad := range []string{"", "two words"} {
		set(bad)
		if changed, err := p.Refresh(t.Context()); changed || err == nil || strings.Contains(err.Error(), "words") {
			t.Errorf("the key %q: %t, %v", bad, changed, err)
		}
	}
	check(t, p.Upsert(t.Context(), people(3)), "3 synced") // by the last good one

	p.SetToken("pat-eu1-a-third-one") // whose key nobody has told yet
	set("pat-eu1-the-second-key")
	r = p.Upsert(t.Context(), people(3))
	check(t, r, "3 retry UNAUTHORIZED, pause UNAUTHORIZED")
	set("pat-eu1-a-third-one")
	if changed, err := p.Refresh(t.Context()); !changed || err != nil {
		t.Errorf("a changed key: %t, %v", changed, err)
	}
	if err := p.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	p.Inject(hubspotsim.Fault{Status: 500, Body: `{"message":"` + testToken + ` pat-eu1-the-second-key pat-eu1-a-third-one"}`})
	if m := p.Upsert(t.Context(), people(1)).Outcomes[0].Message; m != "500 Internal Server Error: REDACTED REDACTED REDACTED" {
		t.Errorf("an answer that repeats former keys is shown as %q", m)
	}
}

// A key that takes the place of a refused one in the middle of a batch may be
// another account's: nothing is written with it before that is known.
func TestAReplacedKeyOfAnotherAccountWritesNothing(t *testing.T) {
	t.Parallel()
	const theirs = "pat-eu1-of-another-account"
	ours := hubspotsim.New(hubspotsim.Options{Token: testToken, PortalID: testPortal})
	other := hubspotsim.New(hubspotsim.Options{Token: theirs, PortalID: testPortal + 1})
	var key atomic.Pointer[string]
	set := func(text string) { key.Store(&text) }
	set(testToken)
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+theirs {
			other.ServeHTTP(w, r)
			return
		}
		ours.ServeHTTP(w, r)
	})
	c := newClient(t, api.Options{HTTP: &http.Client{Transport: direct{both}}}, func(o *Options) {
		o.PortalID = testPortal
		o.Reread = func() (string, error) { return *key.Load(), nil }
	})
	check(t, c.Upsert(t.Context(), people(3)), "3 synced")

	ours.SetToken("pat-eu1-revoked")
	set(theirs)
	check(t, c.Upsert(t.Context(), people(3)), "3 unspent FORBIDDEN, pause FORBIDDEN")
	if n := len(other.Contacts()); n != 0 {
		t.Errorf("%d contacts went to another account", n)
	}
}
