package faults

import (
	"flag"
	"os"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// sideBySide is how many tests run at a time, however few processors there are:
// what they do is wait, for quarantines, pauses and leases.
const sideBySide = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen && !progtest.Measuring() {
		_ = flag.Set("test.parallel", sideBySide) // it exists, and takes a number
	}
	os.Exit(needs.TimeForAll(m, progtest.Main))
}
